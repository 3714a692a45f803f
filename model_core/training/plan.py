"""What a run will need in one process, by arithmetic alone: weights, memory by part, floating-point operations.

The planner's figures for what this trainer keeps; what a cluster needs is the planner's own matter. Nothing is
allocated or timed here.
"""

from dataclasses import asdict, dataclass
from typing import Any, Final

from model_core.config.parameters import active_parameters, total_parameters
from model_core.config.schema import RunConfig
from model_core.planner.architecture import (
    Architecture,
    from_model_config,
    router_parameters,
    train_flops_per_token,
    whole_attention_parameters,
)
from model_core.planner.layout import Layout
from model_core.planner.memory import activation_bytes_per_token, full_activation_bytes_per_token

_LOSS_CHUNK_TOKENS: Final = 1024


@dataclass(frozen=True)
class RunMemory:
    """Bytes by part. `copies_bytes` are the weights in bf16; `loss_bytes` what head and loss hold at once."""

    weights_bytes: int
    copies_bytes: int
    gradient_bytes: int
    optimizer_bytes: int
    average_bytes: int
    activation_bytes: int
    loss_bytes: int

    @property
    def total_bytes(self) -> int:
        """All parts together, at their peak."""
        return sum(asdict(self).values())


@dataclass(frozen=True)
class RunPlan:
    """What a run will need. Operations count attention over documents as long as the model's context."""

    total_parameters: int
    active_parameters: int
    memory: RunMemory
    export_bytes: int
    tokens: int
    flops_per_token: float
    flops_per_step: float
    total_flops: float

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        values = asdict(self)
        values["memory"]["total_bytes"] = self.memory.total_bytes
        return values


def make_run_plan(run: RunConfig) -> RunPlan:
    """Return the plan of a run."""
    model = from_model_config(run.name, run.model)
    flops = train_flops_per_token(model, run.model.max_positions)
    tokens = run.train.tokens_per_step * run.train.max_steps
    return RunPlan(
        total_parameters=total_parameters(run.model),
        active_parameters=active_parameters(run.model),
        memory=_memory(run, model),
        export_bytes=2 * total_parameters(run.model),
        tokens=tokens,
        flops_per_token=flops,
        flops_per_step=flops * run.train.tokens_per_step,
        total_flops=flops * tokens,
    )


def _memory(run: RunConfig, model: Architecture) -> RunMemory:
    """Weights, gradients and optimizer in fp32; "auto" is counted as fp32, the larger one."""
    total = total_parameters(run.model)
    in_bf16 = run.train.precision == "bf16"
    momenta = 2 * total - (_muon_parameters(run, model) if run.train.optimizer == "muon" else 0)
    head = run.model.vocab_size * run.model.hidden_size
    return RunMemory(
        weights_bytes=4 * total,
        copies_bytes=2 * total if in_bf16 else 0,
        gradient_bytes=4 * total,
        optimizer_bytes=4 * momenta,
        average_bytes=4 * total if run.train.ema_decay else 0,
        activation_bytes=_activation_bytes(run, model),
        loss_bytes=4 * head + (6 if in_bf16 else 4) * _LOSS_CHUNK_TOKENS * run.model.vocab_size,
    )


def _muon_parameters(run: RunConfig, model: Architecture) -> int:
    """Return the weights of the matrices: all but embedding, head, routers and vectors."""
    tables = 2 * model.vocab_size * model.hidden_size
    norms = model.num_layers * (2 * model.hidden_size + whole_attention_parameters(model)) + model.hidden_size
    return total_parameters(run.model) - tables - norms - model.num_moe_layers * router_parameters(model)


def _activation_bytes(run: RunConfig, model: Architecture) -> int:
    checkpointing = run.train.activation_checkpointing
    layout = Layout(
        precision="bf16" if run.train.precision == "bf16" else "fp32",
        checkpointing="full" if checkpointing else "none",
    )
    a_token = model.num_dense_layers * activation_bytes_per_token(model, layout, moe=False)
    a_token += model.num_moe_layers * activation_bytes_per_token(model, layout, moe=True)
    if checkpointing:
        a_token += full_activation_bytes_per_token(model, layout, moe=model.num_moe_layers > 0)
    return int(a_token * run.train.tokens_per_micro_batch)
