"""The search for a layout: every division that can exist, the fastest one that fits, the fewest devices in time.

The batch is given in tokens, so that all candidates take the same optimizer steps. It knows no formula.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

from model_core.errors import ConfigError
from model_core.planner.architecture import Architecture
from model_core.planner.cluster import Cluster
from model_core.planner.layout import Checkpointing, Layout, check_layout
from model_core.planner.memory import peak_memory
from model_core.planner.plan import Plan, make_plan
from model_core.planner.timing import Software

_CHECKPOINTING: tuple[Checkpointing, ...] = ("none", "selective", "full")


@dataclass(frozen=True)
class Deadline:
    """What has to be done by when."""

    tokens: float
    days: float
    availability: float


def default_batch_tokens(cluster: Cluster) -> int:
    """Return a usual batch for a cluster: 16 Mi tokens, as the largest public runs take, less on small clusters."""
    return int(min(2**24, 2**17 * cluster.count))


def _powers(limit: int) -> list[int]:
    return [2**power for power in range(limit.bit_length()) if 2**power <= limit]


def candidates(model: Architecture, cluster: Cluster, base: Layout, batch_tokens: int) -> Iterator[Layout]:
    """Yield every layout that can exist; sequence length, precision, optimizer and trainer are those of `base`."""
    pipelines = _powers(min(cluster.count, model.num_layers, 64))
    tensors = _powers(min(cluster.count, cluster.device.devices_per_node))
    experts = [n for n in range(1, model.num_experts + 1) if model.num_experts % n == 0] or [1]
    for pipeline, tensor, expert in product(pipelines, tensors, experts):
        if cluster.count % (pipeline * tensor) or cluster.count // pipeline % expert:
            continue
        data = cluster.count // (pipeline * tensor)
        for micro_batch, virtual, zero, checkpointing in product((1, 2, 4), (1, 2, 4), (1, 2, 3), _CHECKPOINTING):
            accumulation, rest = divmod(batch_tokens, data * micro_batch * base.sequence_length)
            if rest or accumulation < 1:
                continue
            layout = replace(
                base,
                tensor=tensor,
                pipeline=pipeline,
                expert=expert,
                virtual_stages=virtual,
                zero_stage=zero,
                micro_batch=micro_batch,
                accumulation=accumulation,
                checkpointing=checkpointing,
            )
            if _exists(model, cluster, layout):
                yield layout


def _exists(model: Architecture, cluster: Cluster, layout: Layout) -> bool:
    try:
        check_layout(model, cluster, layout)
    except ConfigError:
        return False
    return True


def sweep(model: Architecture, cluster: Cluster, base: Layout, batch_tokens: int, software: Software) -> list[Plan]:
    """Return the plans that fit into memory, the fastest first.

    Raises: ConfigError when none fits, with the smallest need that was found.
    """
    smallest: int | None = None
    plans = []
    for layout in candidates(model, cluster, base, batch_tokens):
        memory = peak_memory(model, cluster, layout)
        smallest = memory.total_bytes if smallest is None else min(smallest, memory.total_bytes)
        if memory.fits:
            plans.append(make_plan(model, cluster, layout, software))
    if smallest is None:
        raise ConfigError(
            f"no layout divides a batch of {batch_tokens} tokens of {base.sequence_length} over {cluster.count} devices"
            f" for trainer {base.trainer}, precision {base.precision}, optimizer {base.optimizer}"
        )
    if not plans:
        raise ConfigError(
            f"{model.name} does not fit on {cluster.name}: the smallest layout needs {smallest / 1e9:.0f} GB a device, "
            f"which has {cluster.device.memory_bytes / 1e9:.0f} GB"
        )
    return sorted(plans, key=lambda plan: plan.step.total_s)


def fewest_devices(
    model: Architecture, cluster: Cluster, base: Layout, batch_tokens: int, software: Software, deadline: Deadline
) -> Plan | None:
    """Return the fastest plan on the smallest cluster that keeps the deadline; None when 16 times as many do not.

    Clusters are looked at in steps of two, from an eighth of the given one.
    """
    for doubling in range(-3, 5):
        count = cluster.count * 2**doubling if doubling >= 0 else cluster.count // 2**-doubling
        if count < 1 or cluster.device.name == "local":
            continue
        try:
            best = sweep(model, Cluster(cluster.device, count), base, batch_tokens, software)[0]
        except ConfigError:
            continue
        if best.days(deadline.tokens, deadline.availability) <= deadline.days:
            return best
    return None
