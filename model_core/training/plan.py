"""What a run will need in each process, by arithmetic alone: weights, memory by part, floating-point operations.

The planner's figures for what this trainer keeps; how long it takes is the planner's own matter. Nothing is allocated
or timed here.
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
from model_core.planner.cluster import DEVICES, Cluster
from model_core.planner.layout import Layout
from model_core.planner.memory import (
    activation_bytes_per_token,
    full_activation_bytes_per_token,
    rank_parameters,
    updated_parameters,
)

_LOSS_CHUNK_TOKENS: Final = 1024
# What a process holds does not depend on the device.
_ANY_DEVICE: Final = DEVICES["H100"]


@dataclass(frozen=True)
class RunMemory:
    """Bytes by part of one process of several, or of the only one.

    `pieces_bytes` are the weights that DeepSpeed steps, `copies_bytes` the weights in bf16. `travel_bytes` is what
    comes from other processes: rows for the experts, and under stage 3 the weights of two layers. `loss_bytes` is what
    head and loss hold at once.
    """

    weights_bytes: int
    pieces_bytes: int
    copies_bytes: int
    gradient_bytes: int
    optimizer_bytes: int
    average_bytes: int
    activation_bytes: int
    travel_bytes: int
    loss_bytes: int

    @property
    def total_bytes(self) -> int:
        """All parts together, at their peak."""
        return sum(asdict(self).values())


@dataclass(frozen=True)
class RunPlan:
    """What a run of `processes` will need, `memory` in each of them.

    `building_bytes` are the weights that each holds in the machine's own memory before the device and ZeRO take them.
    Operations count attention over documents as long as the model's context.
    """

    processes: int
    total_parameters: int
    active_parameters: int
    memory: RunMemory
    building_bytes: int
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


def make_run_plan(run: RunConfig, processes: int | None = None) -> RunPlan:
    """Return the plan of a run by so many processes, the fewest that can do it unless told.

    Raises: ConfigError when they cannot do it.
    """
    processes = run.parallel.expert_parallel if processes is None else processes
    run.check_processes(processes)
    model = from_model_config(run.name, run.model)
    flops = train_flops_per_token(model, run.model.max_positions)
    tokens = run.train.tokens_per_step * run.train.max_steps
    return RunPlan(
        processes=processes,
        total_parameters=total_parameters(run.model),
        active_parameters=active_parameters(run.model),
        memory=_memory(run, model, processes),
        building_bytes=4 * rank_parameters(model, _layout(run, processes), 0).total,
        export_bytes=2 * total_parameters(run.model),
        tokens=tokens,
        flops_per_token=flops,
        flops_per_step=flops * run.train.tokens_per_step,
        total_flops=flops * tokens,
    )


def _layout(run: RunConfig, processes: int) -> Layout:
    stage = run.parallel.zero_stage if processes > 1 else 0
    return Layout(expert=run.parallel.expert_parallel, zero_stage=stage)


def _memory(run: RunConfig, model: Architecture, processes: int) -> RunMemory:
    """Weights, gradients and optimizer in fp32; "auto" is counted as fp32, the larger one."""
    layout = _layout(run, processes)
    stage = layout.zero_stage
    mine = rank_parameters(model, layout, 0)
    stepped = updated_parameters(mine, Cluster(_ANY_DEVICE, processes), layout)
    held = stepped if stage == 3 else mine.total
    at_work = 2 * mine.total // model.num_layers if stage == 3 else mine.total
    in_bf16 = run.train.precision == "bf16"
    # Adam keeps two moments of what Muon does not take; of the rest each keeps one.
    twice = -(-_not_muon_parameters(model) // processes) if run.train.optimizer == "muon" else stepped
    head = run.model.vocab_size * run.model.hidden_size
    return RunMemory(
        weights_bytes=4 * held,
        pieces_bytes=4 * stepped if processes > 1 else 0,
        copies_bytes=2 * at_work if in_bf16 else 0,
        gradient_bytes=4 * (stepped if stage >= 2 else mine.total),
        optimizer_bytes=4 * (stepped + twice),
        average_bytes=4 * stepped if run.train.ema_decay else 0,
        activation_bytes=_activation_bytes(run, model),
        travel_bytes=_travelling_rows_bytes(run) + (4 * at_work if stage == 3 else 0),
        loss_bytes=4 * head + (6 if in_bf16 else 4) * _LOSS_CHUNK_TOKENS * run.model.vocab_size,
    )


def _travelling_rows_bytes(run: RunConfig) -> int:
    """Return the fp32 bytes of the rows of one layer on their way to the experts and back."""
    if run.parallel.expert_parallel == 1:
        return 0
    rows = run.train.tokens_per_micro_batch * run.model.num_experts_per_token
    return 2 * 4 * rows * run.model.hidden_size


def _not_muon_parameters(model: Architecture) -> int:
    """Return the weights of embedding, head, routers and vectors."""
    tables = 2 * model.vocab_size * model.hidden_size
    norms = model.num_layers * (2 * model.hidden_size + whole_attention_parameters(model)) + model.hidden_size
    return tables + norms + model.num_moe_layers * router_parameters(model)


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
