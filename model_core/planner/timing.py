"""The seconds of one optimizer step: arithmetic, memory traffic, exchanges, host work, pipeline bubble.

A roofline with a handful of stated efficiencies; what they were fitted on, and how far off they are, stands in
docs/planner.md. It knows nothing of whether a layout fits into memory.
"""

from dataclasses import dataclass, replace

from model_core.planner.architecture import Architecture, head_flops, layer_flops
from model_core.planner.cluster import Cluster
from model_core.planner.layout import Layout, stage_layers, telling_stages
from model_core.planner.memory import (
    full_activation_bytes_per_token,
    kept_weight_bytes,
    optimizer_bytes,
    rank_parameters,
    updated_parameters,
)


@dataclass(frozen=True)
class Software:
    """What a training program gets out of a device: shares of the data-sheet rates, and what it hides.

    `fp8_gain` is the speed of fp8 products over bf16 ones. `exchange_overlap` is the share of expert exchanges behind
    arithmetic, `reduce_overlap` the same for gradients and gathered weights. `host_s_per_layer` is the time that a
    mixture layer waits for the host in one micro batch, forward and backward. `bubble_factor` scales the bubble of the
    plain schedule; `compute_share` is the part of a device that exchanges leave to arithmetic.
    """

    name: str
    dense_efficiency: float
    expert_efficiency: float
    score_efficiency: float
    fp8_gain: float
    traffic_passes: float
    memory_efficiency: float
    node_efficiency: float
    network_efficiency: float
    exchange_overlap: float
    reduce_overlap: float
    host_s_per_layer: float
    bubble_factor: float
    compute_share: float


# Fitted on the runs that `planner.published` marks so; the shares of links: DeepEP's measurements, docs/planner.md.
STOCK = Software(
    name="stock",
    dense_efficiency=0.70,
    expert_efficiency=0.65,
    score_efficiency=0.50,
    fp8_gain=1.6,
    traffic_passes=6.0,
    memory_efficiency=0.8,
    node_efficiency=0.8,
    network_efficiency=0.85,
    exchange_overlap=0.2,
    reduce_overlap=0.5,
    host_s_per_layer=5e-3,
    bubble_factor=1.0,
    compute_share=1.0,
)

# Exchanges behind arithmetic on 20 of 132 multiprocessors, no waiting for the host, and a schedule whose bubble is
# (p / 2 - 1) of two forward passes in place of (p - 1) of three. Source: DeepSeek-V3, arXiv 2412.19437, section 3.2.
TUNED = replace(
    STOCK, name="tuned", exchange_overlap=0.9, host_s_per_layer=0.0, bubble_factor=0.31, compute_share=112 / 132
)
SOFTWARE = {software.name: software for software in (STOCK, TUNED)}


@dataclass(frozen=True)
class StepTime:
    """Seconds of one step, by what the slowest stage waits for. The parts add up to `total_s`."""

    compute_s: float
    recompute_s: float
    memory_s: float
    tensor_exchange_s: float
    expert_exchange_s: float
    pipeline_exchange_s: float
    host_s: float
    bubble_s: float
    reduce_s: float
    optimizer_s: float

    @property
    def total_s(self) -> float:
        """The whole step."""
        return float(sum(vars(self).values()))


@dataclass(frozen=True)
class ExchangeBytes:
    """Bytes that one token sends in one direction of one exchange of one layer, inside its node and to others."""

    node: float
    network: float


def exchange_bytes(model: Architecture, cluster: Cluster, layout: Layout) -> ExchangeBytes:
    """Return the bytes of sending a token to its experts, each other node being reached once.

    The expected number of distinct nodes follows from drawing experts evenly. Source: the two-hop exchange of
    DeepSeek-V3, arXiv 2412.19437, section 3.2.2.
    """
    if layout.expert == 1:
        return ExchangeBytes(0.0, 0.0)
    bytes_per_copy = 2.0 * model.hidden_size
    choices = model.num_experts_per_token
    inside = min(layout.expert, cluster.device.devices_per_node)
    nodes = layout.expert // inside
    reached = nodes * (1 - (1 - 1 / nodes) ** choices)
    if model.nodes_per_token:
        reached = min(reached, float(model.nodes_per_token))
    return ExchangeBytes(
        node=choices * (1 - 1 / inside) * bytes_per_copy, network=reached * (1 - 1 / nodes) * bytes_per_copy
    )


def _ring(parts: int) -> float:
    return (parts - 1) / parts


class _Stage:
    """The time of one micro batch in one stage."""

    def __init__(self, model: Architecture, cluster: Cluster, layout: Layout, software: Software, stage: int) -> None:
        self.model, self.cluster, self.layout, self.software = model, cluster, layout, software
        self.tokens = layout.tokens_per_micro_batch / layout.tensor
        self.counts = dict(zip((False, True), stage_layers(model, layout, stage), strict=True))
        self.parameters = rank_parameters(model, layout, stage).total
        self.is_last = stage == layout.pipeline - 1

    def product_rate(self, efficiency: float) -> float:
        """Operations a second of matrix products."""
        gain = self.software.fp8_gain if self.layout.precision == "fp8" else 1.0
        return self.cluster.device.peak_flops * efficiency * gain * self.software.compute_share

    def forward_s(self) -> float:
        """Arithmetic of all layers, forward, without the head."""
        total = 0.0
        for moe, count in self.counts.items():
            if count:
                flops = layer_flops(self.model, moe=moe, sequence_length=self.layout.sequence_length)
                total += count * (
                    flops.dense / self.product_rate(self.software.dense_efficiency)
                    + flops.experts / self.product_rate(self.software.expert_efficiency)
                    + flops.scores / (self.cluster.device.peak_flops * self.software.score_efficiency)
                )
        return total * self.tokens

    def head_s(self) -> float:
        """Arithmetic of the head, forward; it stays in bf16."""
        if not self.is_last:
            return 0.0
        rate = self.cluster.device.peak_flops * self.software.dense_efficiency
        return self.tokens * (1 + self.model.prediction_layers) * head_flops(self.model) / rate

    def recompute_share(self) -> float:
        """The share of a forward pass that the backward pass repeats."""
        return {"none": 0.0, "selective": 0.05, "full": 1.0}[self.layout.checkpointing]

    def memory_s(self) -> float:
        """Traffic of what is not a product (norms, rotations, activations, permutations), and of weights."""
        touched = sum(
            count * full_activation_bytes_per_token(self.model, self.layout, moe=moe)
            for moe, count in self.counts.items()
        )
        passes = self.software.traffic_passes + 2 * self.recompute_share()
        # Weights are read by both passes, and gradients read and written, whatever the size of the micro batch.
        weights = 2 * self.parameters * (kept_weight_bytes(self.layout) + self.layout.gradient_bytes)
        moved = passes * self.tokens * touched + weights
        return moved / (self.cluster.device.memory_bandwidth * self.software.memory_efficiency)

    def tensor_exchange_s(self) -> float:
        """Gathers and scatters of tensor parallelism: around attention and, in dense layers, the feed-forward."""
        tensor = self.layout.tensor
        if tensor == 1:
            return 0.0
        moved = self.layout.tokens_per_micro_batch * self.model.hidden_size * 2 * _ring(tensor)
        passes = (4 + 2 * self.recompute_share()) * (self.counts[True] + 2 * self.counts[False])
        return passes * moved / (self.cluster.device.node_link * self.software.node_efficiency)

    def expert_exchange_s(self) -> float:
        """Dispatch and combine, forward and backward, as far as they are not hidden."""
        sent = exchange_bytes(self.model, self.cluster, self.layout)
        one_way = max(
            sent.node / (self.cluster.device.node_link * self.software.node_efficiency),
            sent.network / (self.cluster.device.network_link * self.software.network_efficiency),
        )
        exchanges = self.counts[True] * (4 + 2 * (self.layout.checkpointing == "full"))
        return (1 - self.software.exchange_overlap) * exchanges * self.tokens * one_way

    def pipeline_exchange_s(self) -> float:
        """Activations to the next stage and gradients back, over the network, once a virtual stage."""
        if self.layout.pipeline == 1:
            return 0.0
        sent = 2 * self.layout.virtual_stages * self.tokens * self.model.hidden_size * 2
        rate = self.cluster.device.network_link * self.software.network_efficiency
        return (1 - self.software.exchange_overlap) * sent / rate

    def host_s(self) -> float:
        """Waiting for the host."""
        return self.counts[True] * self.software.host_s_per_layer

    def parts(self) -> dict[str, float]:
        """Seconds of one micro batch by part."""
        forward = self.forward_s()
        return {
            "compute_s": 3 * (forward + self.head_s()),
            "recompute_s": self.recompute_share() * forward,
            "memory_s": self.memory_s(),
            "tensor_exchange_s": self.tensor_exchange_s(),
            "expert_exchange_s": self.expert_exchange_s(),
            "pipeline_exchange_s": self.pipeline_exchange_s(),
            "host_s": self.host_s(),
        }


def bubble_share(layout: Layout) -> float:
    """Return the idle time of a stage over its working time.

    Source: Narayanan et al. 2021, arXiv 2104.04473, section 2.2.2: (p - 1) / (v m).
    """
    return (layout.pipeline - 1) / (layout.virtual_stages * layout.accumulation)


def _reduce_s(model: Architecture, cluster: Cluster, layout: Layout, software: Software, stage: int) -> float:
    """Gradients and weights between data ranks, in one step, as far as they are not hidden."""
    parameters = rank_parameters(model, layout, stage)
    data, experts = layout.data(cluster), layout.expert_data(cluster)
    crosses = layout.stage_devices(cluster) > cluster.device.devices_per_node
    link = cluster.device.network_link if crosses else cluster.device.node_link
    once = parameters.shared * _ring(data) + parameters.experts * _ring(experts)
    # ZeRO-2 and 3 reduce every micro batch, as no rank keeps a whole gradient; ZeRO-3 gathers weights twice in each.
    reductions = layout.accumulation if layout.zero_stage >= 2 else 1
    gathers = 2 * layout.accumulation if layout.zero_stage == 3 else 1
    # Without ZeRO the second half of an all-reduce gathers the gradients where ZeRO gathers the weights.
    gathered_bytes = layout.gradient_bytes if layout.zero_stage == 0 else kept_weight_bytes(layout)
    moved = once * (layout.gradient_bytes * reductions + gathered_bytes * gathers)
    return (1 - software.reduce_overlap) * moved / (link * software.network_efficiency)


def _optimizer_s(model: Architecture, cluster: Cluster, layout: Layout, software: Software, stage: int) -> float:
    updated = updated_parameters(rank_parameters(model, layout, stage), cluster, layout)
    # State is read and written, gradients are read, weights written.
    touched = updated * (2 * optimizer_bytes(layout) + layout.gradient_bytes + kept_weight_bytes(layout))
    return touched / (cluster.device.memory_bandwidth * software.memory_efficiency)


def step_time(model: Architecture, cluster: Cluster, layout: Layout, software: Software) -> StepTime:
    """Return the seconds of one optimizer step; the slowest stage sets the pace of all."""
    stages = telling_stages(model, layout)
    parts = max(
        (_Stage(model, cluster, layout, software, stage).parts() for stage in stages),
        key=lambda seconds: sum(seconds.values()),
    )
    working = {name: layout.accumulation * seconds for name, seconds in parts.items()}
    return StepTime(
        **working,
        bubble_s=software.bubble_factor * bubble_share(layout) * sum(working.values()),
        reduce_s=max(_reduce_s(model, cluster, layout, software, stage) for stage in stages),
        optimizer_s=max(_optimizer_s(model, cluster, layout, software, stage) for stage in stages),
    )
