"""What does routing cost? Our mixture-of-experts block, the stock block of transformers, and a dense feed-forward of
equal arithmetic (the floor), with the same weights in the same run, interleaved.

`python benchmarks/routing.py [--threads 1] [--json PATH]`. Times are medians of processor time, which on a busy machine
are steadier than the clock; what counts are the ratios to the floor, medians of the rounds' own ratios.
"""

import argparse
import gc
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import Glm4MoeConfig
from transformers.models.glm4_moe.modeling_glm4_moe import Glm4MoeMoE

from model_core.config.recipes import get_recipe
from model_core.models.layers import SwiGLU
from model_core.models.moe import MoE
from model_core.ops.memory import keep_freed_memory
from model_core.ops.precision import cpu_has_bf16

SHAPES = ((64, 8, 256, 128), (64, 8, 512, 256), (128, 8, 768, 256))
TOKENS = (1, 64, 2048)
TARGETS = {("forward", 1): 3.0, ("forward", 64): 4.0, ("forward", 2048): 1.25, ("forward+backward", 2048): 1.3}
REPETITIONS = {1: 101, 64: 31, 2048: 9}
Seconds = dict[str, list[float]]


def build_blocks(experts: int, k: int, width: int, inner: int) -> dict[str, nn.Module]:
    """Return our block, the stock block with the same weights, and the dense block of k + 1 experts' arithmetic."""
    config = replace(
        get_recipe("tiny_test").model,
        hidden_size=width,
        num_experts=experts,
        num_experts_per_token=k,
        moe_intermediate_size=inner,
    )
    ours, dense = MoE(config), SwiGLU(width, (k + 1) * inner)
    generator = torch.Generator().manual_seed(0)
    for parameter in [*ours.parameters(), *dense.parameters()]:
        nn.init.normal_(parameter, std=0.05, generator=generator)
    stock = Glm4MoeMoE(
        Glm4MoeConfig(
            hidden_size=width, moe_intermediate_size=inner, n_routed_experts=experts, num_experts_per_tok=k,
            n_shared_experts=1, n_group=1, topk_group=1, norm_topk_prob=True, routed_scaling_factor=1.0,
        )
    )  # fmt: skip
    state = {"gate.weight": ours.router.weight, "gate.e_score_correction_bias": ours.router.correction_bias}
    state |= {f"shared_experts.{name}": weight for name, weight in ours.shared.state_dict().items()}
    for expert in range(experts):
        gate, up = ours.gate_up_EJD[expert].chunk(2)
        names = {"gate_proj": gate, "up_proj": up, "down_proj": ours.down_EDI[expert]}
        state |= {f"experts.{expert}.{name}.weight": weight for name, weight in names.items()}
    stock.load_state_dict(state)
    return {"ours": ours, "stock": stock, "dense": dense}


def measure(blocks: dict[str, nn.Module], tokens: int, width: int, *, backward: bool, rounds: int) -> Seconds:
    """Return the seconds of processor time of each block in each round, in turn, after a round not counted."""
    x = torch.randn(1, tokens, width, generator=torch.Generator().manual_seed(tokens), requires_grad=backward)
    times: Seconds = {name: [] for name in blocks}
    for _ in range(rounds + 1):
        for name, block in blocks.items():
            block.zero_grad(set_to_none=True)
            begin = time.process_time()
            _run(block, x, backward)
            times[name].append(time.process_time() - begin)
    return {name: values[1:] for name, values in times.items()}


def medians(times: Seconds) -> dict[str, dict[str, float]]:
    """Return the median seconds of each block and the median of its ratios to the floor, round by round."""
    ratios = {name: [a / b for a, b in zip(values, times["dense"], strict=True)] for name, values in times.items()}
    return {
        "seconds": {name: statistics.median(values) for name, values in times.items()},
        "ratios": {name: statistics.median(values) for name, values in ratios.items()},
    }


def _run(block: Callable[[Tensor], Tensor], x: Tensor, backward: bool) -> None:
    with torch.set_grad_enabled(backward):
        y = block(x)
    if backward:
        y.sum().backward()


def benchmark(shapes: tuple[tuple[int, int, int, int], ...], share: float) -> list[dict[str, Any]]:
    """Return a row a shape, direction and number of tokens; `share` scales the repetitions."""
    rows = []
    for experts, k, width, inner in shapes:
        blocks = build_blocks(experts, k, width, inner)
        x = torch.randn(1, 64, width)
        with torch.no_grad():
            gap = float((blocks["ours"](x) - blocks["stock"](x)).norm() / blocks["stock"](x).norm())
        assert gap < 1e-5, f"our block and the stock block differ by {gap}"
        for direction in ("forward", "forward+backward"):
            for tokens in TOKENS:
                rounds = max(3, int(REPETITIONS[tokens] * share))
                times = measure(blocks, tokens, width, backward=direction != "forward", rounds=rounds)
                row = {"experts": experts, "k": k, "width": width, "inner": inner, "tokens": tokens}
                target = TARGETS.get((direction, tokens))
                rows.append(row | medians(times) | {"direction": direction, "target": target})
        blocks.clear()
        gc.collect()
    return rows


def machine() -> dict[str, Any]:
    """Return what the figures depend on: the processor, its number of cores, the threads used, the version of torch."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return {
        "processor": names[0] if names else platform.processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "bf16": cpu_has_bf16(),
        "torch": torch.__version__,
    }


def print_table(rows: list[dict[str, Any]]) -> None:
    """Print milliseconds and ratios as a Markdown table."""
    print("| E, K, H, I | direction | T | dense ms | ours ms | stock ms | ours / dense | stock / dense | target |")
    print("|---|---|---|---|---|---|---|---|---|")
    for row in rows:
        dense, ours, stock = (row["seconds"][name] * 1e3 for name in ("dense", "ours", "stock"))
        shape = ", ".join(str(row[name]) for name in ("experts", "k", "width", "inner"))
        print(
            f"| {shape} | {row['direction']} | {row['tokens']} | {dense:.2f} | {ours:.2f} | {stock:.2f} "
            f"| {row['ratios']['ours']:.2f} | {row['ratios']['stock']:.2f} | {row['target'] or ''} |"
        )


def main() -> None:
    """Read the command line, measure, print the table and write the figures where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--shapes", type=int, default=len(SHAPES), help="only the first so many shapes")
    parser.add_argument("--share", type=float, default=1.0, help="share of the usual repetitions")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    keep_freed_memory()
    rows = benchmark(SHAPES[: args.shapes], args.share)
    print(json.dumps(machine()))
    print_table(rows)
    if args.json:
        args.json.write_text(json.dumps({"machine": machine(), "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
