"""Public training runs whose model, machines and layout are known, and how near the planner comes to them.

Figures are tokens a second of one device; docs/planner.md says where they were read. It holds data and one comparison.
"""

from dataclasses import dataclass
from typing import Any

from model_core.planner.architecture import train_flops_per_token
from model_core.planner.catalog import get_architecture
from model_core.planner.cluster import parse_cluster
from model_core.planner.layout import Layout
from model_core.planner.plan import Plan, make_plan
from model_core.planner.timing import SOFTWARE

_BRIDGE = "NVIDIA NeMo Megatron Bridge, performance summary, container {}"
_LLAMA = "Llama Team 2024, arXiv 2407.21783, table 4; interleaving assumed"
_DEEPSEEK = "DeepSeek-AI 2024, arXiv 2412.19437, sections 1 and 3.2: 180,000 H800 hours for 10^12 tokens"
_AX = "SK Telecom 2026, arXiv 2601.09200: 10^13 tokens in 75 days, stops included; layout and batch assumed"


@dataclass(frozen=True)
class PublicRun:
    """A run. `fitted` marks those that the planner's efficiencies were chosen on; the others were looked at after."""

    model: str
    cluster: str
    layout: Layout
    tokens_per_s_per_device: float
    source: str
    software: str = "stock"
    fitted: bool = False


@dataclass(frozen=True)
class Comparison:
    """A run beside its plan. `error` is positive where the planner is too fast."""

    run: PublicRun
    plan: Plan

    @property
    def error(self) -> float:
        """The relative error of the predicted rate."""
        return self.plan.tokens_per_s_per_device / self.run.tokens_per_s_per_device - 1


def _layout(sequences: int, devices: int, **fields: Any) -> Layout:
    data = devices // (fields.get("tensor", 1) * fields.get("pipeline", 1))
    return Layout(accumulation=sequences // data, **fields)


def _llama_rate(tflops: float) -> float:
    return tflops * 1e12 / train_flops_per_token(get_architecture("llama-3.1-405b"), 8192)


_LLAMA_405B: dict[str, Any] = {"tensor": 8, "pipeline": 16, "virtual_stages": 7, "sequence_length": 8192}
_LLAMA_70B: dict[str, Any] = {
    "tensor": 4,
    "pipeline": 8,
    "virtual_stages": 5,
    "sequence_length": 8192,
    "precision": "fp8",
}
_QWEN_H100: dict[str, Any] = {"tensor": 2, "pipeline": 8, "virtual_stages": 4, "expert": 32, "precision": "fp8"}
_V3_B200: dict[str, Any] = {"pipeline": 16, "expert": 8, "precision": "fp8"}
_AX_K1: dict[str, Any] = {"pipeline": 8, "virtual_stages": 4, "expert": 16}

PUBLIC_RUNS = (
    PublicRun("llama-3.1-405b", "8192xH100", _layout(2048, 8192, **_LLAMA_405B), _llama_rate(430), _LLAMA),
    PublicRun(
        "llama-3.1-405b", "16384xH100", _layout(2048, 16384, **_LLAMA_405B), _llama_rate(400), _LLAMA, fitted=True
    ),
    PublicRun("llama-3.1-70b", "64xH100", _layout(256, 64, **_LLAMA_70B), 1621, _BRIDGE.format("26.02"), fitted=True),
    PublicRun(
        "deepseek-v3",
        "1024xH100",
        _layout(8192, 1024, tensor=2, pipeline=8, virtual_stages=4, expert=64, precision="fp8"),
        1297,
        _BRIDGE.format("25.09"),
        fitted=True,
    ),
    PublicRun("deepseek-v3", "256xB200", _layout(2048, 256, **_V3_B200), 2139, _BRIDGE.format("25.11"), fitted=True),
    PublicRun("deepseek-v3", "256xB200", _layout(4096, 256, **_V3_B200), 2689, _BRIDGE.format("26.02")),
    PublicRun(
        "deepseek-v3",
        "2048xH800",
        _layout(15360, 2048, pipeline=16, expert=64, precision="fp8", optimizer="adamw-bf16-moments"),
        1e12 / (180_000 * 3600),
        _DEEPSEEK,
        software="tuned",
    ),
    PublicRun("ax-k1", "1024xH200", _layout(4096, 1024, **_AX_K1), 1e13 / (1024 * 75 * 86_400), _AX),
    PublicRun(
        "qwen3-235b-a22b", "256xH100", _layout(8192, 256, **_QWEN_H100), 1633, _BRIDGE.format("26.02"), fitted=True
    ),
    PublicRun("qwen3-235b-a22b", "256xH100", _layout(2048, 256, **_QWEN_H100), 1575, _BRIDGE.format("25.11")),
    PublicRun(
        "qwen3-235b-a22b",
        "256xB200",
        _layout(8192, 256, pipeline=8, expert=8, precision="fp8"),
        3805,
        _BRIDGE.format("26.02"),
    ),
    PublicRun(
        "qwen3-235b-a22b",
        "64xB200",
        _layout(1024, 64, pipeline=8, virtual_stages=2, expert=8, precision="fp8"),
        3269,
        _BRIDGE.format("25.11"),
        fitted=True,
    ),
    PublicRun("qwen3-30b-a3b", "8xB200", _layout(512, 8, expert=8, precision="fp8"), 9691, _BRIDGE.format("26.02")),
    PublicRun(
        "qwen3-30b-a3b",
        "16xH100",
        _layout(1024, 16, pipeline=2, virtual_stages=12, expert=8, precision="fp8"),
        5113,
        _BRIDGE.format("26.02"),
    ),
)


def compare(run: PublicRun) -> Comparison:
    """Return a run beside the plan of its own layout."""
    plan = make_plan(get_architecture(run.model), parse_cluster(run.cluster), run.layout, SOFTWARE[run.software])
    return Comparison(run, plan)
