"""A whole plan: what a model costs on a cluster in one layout, and how long a number of tokens takes.

It puts memory and time together; it chooses nothing.
"""

from dataclasses import asdict, dataclass
from typing import Any

from model_core.errors import ConfigError
from model_core.planner.architecture import (
    Architecture,
    active_parameters,
    kv_cache_bytes_per_token,
    total_parameters,
    train_flops_per_token,
)
from model_core.planner.cluster import Cluster
from model_core.planner.layout import Layout, check_layout, stage_layers, telling_stages
from model_core.planner.memory import Memory, peak_memory
from model_core.planner.timing import Software, StepTime, exchange_bytes, step_time

_DAY_S = 86_400


@dataclass(frozen=True)
class Plan:
    """What a layout costs. Bytes are for one device, rates for the whole cluster."""

    model: Architecture
    cluster: Cluster
    layout: Layout
    software: str
    memory: Memory
    step: StepTime
    flops_per_token: float
    exchange_node_bytes: float
    exchange_network_bytes: float

    @property
    def tokens_per_s(self) -> float:
        """Tokens a second of the cluster, between failures."""
        return self.layout.tokens_per_step(self.cluster) / self.step.total_s

    @property
    def tokens_per_s_per_device(self) -> float:
        """Tokens a second of one device."""
        return self.tokens_per_s / self.cluster.count

    @property
    def mfu(self) -> float:
        """The model's operations over the peak of the devices in bf16 (fp32 for a CPU), whatever the precision."""
        return self.tokens_per_s_per_device * self.flops_per_token / self.cluster.device.peak_flops

    def days(self, tokens: float, availability: float) -> float:
        """Return the days for `tokens`, when the cluster trains for a share of `availability` of the time."""
        return tokens / (self.tokens_per_s * availability * _DAY_S)

    def as_dict(self, tokens: float, availability: float) -> dict[str, Any]:
        """Return the plan as plain values, for JSON."""
        return {
            "model": {
                "name": self.model.name,
                "total_parameters": total_parameters(self.model),
                "active_parameters": active_parameters(self.model),
                "train_flops_per_token": self.flops_per_token,
                "kv_cache_bytes_per_token": kv_cache_bytes_per_token(self.model),
            },
            "cluster": self.cluster.name,
            "software": self.software,
            "layout": {**asdict(self.layout), "data": self.layout.data(self.cluster)},
            "memory": {**asdict(self.memory), "total_bytes": self.memory.total_bytes, "fits": self.memory.fits},
            "step": {**asdict(self.step), "total_s": self.step.total_s},
            "all_to_all": {"node_bytes": self.exchange_node_bytes, "network_bytes": self.exchange_network_bytes},
            "tokens_per_step": self.layout.tokens_per_step(self.cluster),
            "tokens_per_s": self.tokens_per_s,
            "tokens_per_s_per_device": self.tokens_per_s_per_device,
            "mfu": self.mfu,
            "tokens": tokens,
            "availability": availability,
            "days": self.days(tokens, availability),
        }


def make_plan(model: Architecture, cluster: Cluster, layout: Layout, software: Software) -> Plan:
    """Return the plan of a layout, whether or not it fits into memory.

    Raises: ConfigError when the layout cannot exist.
    """
    check_layout(model, cluster, layout)
    sent = exchange_bytes(model, cluster, layout)
    moe_layers = max(stage_layers(model, layout, stage)[1] for stage in telling_stages(model, layout))
    exchanges = moe_layers * layout.accumulation * (6 if layout.checkpointing == "full" else 4)
    tokens = exchanges * layout.tokens_per_micro_batch / layout.tensor
    return Plan(
        model=model,
        cluster=cluster,
        layout=layout,
        software=software.name,
        memory=peak_memory(model, cluster, layout),
        step=step_time(model, cluster, layout, software),
        flops_per_token=train_flops_per_token(model, layout.sequence_length),
        exchange_node_bytes=tokens * sent.node,
        exchange_network_bytes=tokens * sent.network,
    )


@dataclass(frozen=True)
class Serving:
    """What it takes to answer with a model: bytes over all devices together, and sequences at once."""

    devices: int
    weights_bytes: int
    kv_cache_bytes_per_token: int
    context_tokens: int
    sequences: int


def plan_serving(model: Architecture, cluster: Cluster, context_tokens: int, bytes_per_weight: int = 2) -> Serving:
    """Return the fewest devices, in powers of two, that hold the weights in 80 % of their memory, and what more fits.

    Raises: ConfigError when the cluster is too small.
    """
    usable = cluster.device.memory_bytes - cluster.device.reserved_bytes
    weights = total_parameters(model) * bytes_per_weight
    devices = 1
    while weights > 0.8 * devices * usable:
        devices *= 2
    if devices > cluster.count:
        raise ConfigError(
            f"{model.name} needs {devices} devices of {cluster.device.name} to be served; there are {cluster.count}"
        )
    per_token = kv_cache_bytes_per_token(model)
    sequences = int((devices * usable - weights) // (per_token * context_tokens))
    return Serving(devices, weights, per_token, context_tokens, sequences)
