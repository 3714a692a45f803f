"""The bytes one device needs, part by part: weights, gradients, optimizer, activations, buffers.

Counts are exact for weights and optimizer states and follow the tensors that a backward pass needs for activations.
It knows nothing of time. Source: Rajbhandari et al. 2020, arXiv 1910.02054, section 3; Korthikanti et al. 2022,
arXiv 2205.05198, section 4, with gated feed-forwards, no attention matrix and experts; docs/planner.md.
"""

from dataclasses import dataclass

from model_core.planner.architecture import (
    Architecture,
    dense_mlp_parameters,
    expert_parameters,
    joining_parameters,
    router_parameters,
    split_attention_parameters,
    whole_attention_parameters,
)
from model_core.planner.cluster import Cluster
from model_core.planner.layout import Layout, stage_layers, telling_stages

_OPTIMIZER_BYTES = {"adamw": 12, "adamw-bf16-moments": 8, "muon": 8}
# DeepSpeed's two buckets of gradients on their way, as `parallel/engine.py` sets them.
_OWN_BUCKET_BYTES = 2 * 4 * 50_000_000


@dataclass(frozen=True)
class RankParameters:
    """The weights on one device of a stage: `shared` by all data ranks, `experts` by the expert-data ranks only."""

    shared: int
    experts: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.shared + self.experts


@dataclass(frozen=True)
class Memory:
    """Bytes on the fullest device, and what it has."""

    weights_bytes: int
    gradient_bytes: int
    optimizer_bytes: int
    activation_bytes: int
    buffer_bytes: int
    reserved_bytes: int
    capacity_bytes: int
    stage: int

    @property
    def total_bytes(self) -> int:
        """All parts together."""
        return (
            self.weights_bytes
            + self.gradient_bytes
            + self.optimizer_bytes
            + self.activation_bytes
            + self.buffer_bytes
            + self.reserved_bytes
        )

    @property
    def fits(self) -> bool:
        """Whether the device holds it with a twentieth to spare for fragments and uneven experts."""
        return self.total_bytes <= 0.95 * self.capacity_bytes


def rank_parameters(model: Architecture, layout: Layout, stage: int) -> RankParameters:
    """Return the weights of a device of `stage` before ZeRO divides them."""
    dense, moe = stage_layers(model, layout, stage)
    width = model.hidden_size
    cut = (dense + moe) * split_attention_parameters(model)
    cut += dense * dense_mlp_parameters(model) + moe * model.num_shared_experts * expert_parameters(model)
    whole = (dense + moe) * (whole_attention_parameters(model) + 2 * width) + moe * router_parameters(model)
    is_last = stage == layout.pipeline - 1
    # A prediction layer reads the embedding again: where that is on another stage, the last one has a copy.
    tables = (stage == 0) + is_last + (is_last and stage > 0 and model.prediction_layers > 0)
    cut += tables * model.vocab_size * width
    whole += is_last * (width + model.prediction_layers * joining_parameters(model))
    experts = moe * (model.num_experts // layout.expert) * expert_parameters(model)
    return RankParameters(cut // layout.tensor + whole, experts)


def activation_bytes_per_token(model: Architecture, layout: Layout, *, moe: bool) -> float:
    """Return the bytes that one token of one layer keeps for the backward pass, over all tensor ranks together."""
    bytes_per_value = weight_bytes(layout)
    if layout.checkpointing == "full":
        return float(model.hidden_size * bytes_per_value)
    selective = layout.checkpointing == "selective"
    values = _attention_values(model, selective=selective) + _feed_forward_values(model, moe=moe, selective=selective)
    kept = float(values * bytes_per_value)
    if moe and layout.precision == "fp8":
        # The experts' inputs are kept as they entered the product, one byte a value.
        kept -= model.num_experts_per_token * model.hidden_size
    return kept


def full_activation_bytes_per_token(model: Architecture, layout: Layout, *, moe: bool) -> float:
    """Return the bytes that one token of one layer touches when nothing is recomputed."""
    bytes_per_value = weight_bytes(layout)
    values = _attention_values(model, selective=False) + _feed_forward_values(model, moe=moe, selective=False)
    return float(values * bytes_per_value)


def _attention_values(model: Architecture, *, selective: bool) -> int:
    heads, keys = model.num_heads, model.num_kv_heads
    residual, attended = model.hidden_size, heads * model.value_dim
    projected = heads * model.key_dim + keys * (model.key_dim + model.value_dim)
    normed = 0 if selective else model.hidden_size
    if model.latent:
        latent = model.latent.query_rank + model.latent.key_value_rank + model.latent.rotary_dim
        # The up-projections are cheap to do again, their results wide: selective recomputation keeps the latents.
        return residual + normed + latent + attended + (0 if selective else projected)
    return residual + normed + projected + attended


def _feed_forward_values(model: Architecture, *, moe: bool, selective: bool) -> int:
    # Selective recomputation repeats norms and activations, and weighs before the down-projection, so that neither
    # the product nor the experts' outputs are kept.
    inner, copies = (2, 1) if selective else (3, 2)
    normed = 0 if selective else model.hidden_size
    if not moe:
        return model.hidden_size + normed + inner * model.dense_intermediate_size
    routed = model.num_experts_per_token * (copies * model.hidden_size + inner * model.moe_intermediate_size)
    return model.hidden_size + normed + routed + inner * model.num_shared_experts * model.moe_intermediate_size


def micro_batches_in_flight(layout: Layout, stage: int) -> float:
    """Return the micro batches whose activations a stage holds at its peak.

    Source: Narayanan et al. 2021, arXiv 2104.04473, section 2.2; Korthikanti et al. 2022, section 4.2.3, for the
    factor of interleaved stages.
    """
    if layout.pipeline == 1:
        return 1.0
    waiting = float(min(layout.pipeline - stage, layout.accumulation))
    if layout.virtual_stages > 1:
        waiting += (layout.pipeline - 1) / layout.virtual_stages
    return min(waiting, float(layout.accumulation))


def _activation_bytes(model: Architecture, layout: Layout, stage: int) -> float:
    dense, moe = stage_layers(model, layout, stage)
    tokens = layout.tokens_per_micro_batch / layout.tensor
    layer = dense * activation_bytes_per_token(model, layout, moe=False)
    layer += moe * activation_bytes_per_token(model, layout, moe=True)
    kept = tokens * layer * micro_batches_in_flight(layout, stage)
    working = tokens * full_activation_bytes_per_token(model, layout, moe=moe > 0)
    # Logits stand in two bytes and their softmax in four, for one micro batch at a time.
    logits = tokens * model.vocab_size * 6 if stage == layout.pipeline - 1 else 0
    return kept + (working if layout.checkpointing != "none" else 0) + logits


def _buffer_bytes(model: Architecture, layout: Layout, parameters: RankParameters) -> float:
    tokens = layout.tokens_per_micro_batch / layout.tensor
    buffers = 2 * tokens * model.num_experts_per_token * model.hidden_size * 2 if layout.expert > 1 else 0
    a_layer = parameters.total / max(1, model.num_layers // layout.pipeline)
    if layout.trainer == "own":
        # Under autocast a backward pass needs the bf16 copies of the weights: of all, or of the layer done again.
        copied = a_layer if layout.checkpointing == "full" else parameters.total
        buffers += _OWN_BUCKET_BYTES + (2 * copied if layout.precision == "bf16" else 0)
    return buffers + (2 * kept_weight_bytes(layout) * a_layer if layout.zero_stage == 3 else 0)


def updated_parameters(parameters: RankParameters, cluster: Cluster, layout: Layout) -> int:
    """Return the weights that one device's optimizer keeps and updates."""
    if layout.zero_stage == 0:
        return parameters.total
    return -(-parameters.shared // layout.data(cluster)) - (-parameters.experts // layout.expert_data(cluster))


def weight_bytes(layout: Layout) -> int:
    """Return the bytes of one weight as it is computed with."""
    return 4 if layout.precision == "fp32" else 2


def kept_weight_bytes(layout: Layout) -> int:
    """Return the bytes of one weight as it is kept: this project's trainer keeps fp32 and casts for each product."""
    return 4 if layout.trainer == "own" else weight_bytes(layout)


def optimizer_bytes(layout: Layout) -> int:
    """Return the bytes that the optimizer keeps for one weight.

    In fp32 the weights are their own master copy, but not in this project's trainer: DeepSpeed copies its piece anyway.
    """
    if layout.trainer == "own":
        return _OPTIMIZER_BYTES[layout.optimizer]
    return _OPTIMIZER_BYTES[layout.optimizer] - (4 if layout.precision == "fp32" else 0)


def stage_memory(model: Architecture, cluster: Cluster, layout: Layout, stage: int) -> Memory:
    """Return the bytes of one device of a stage."""
    parameters = rank_parameters(model, layout, stage)
    updated = updated_parameters(parameters, cluster, layout)
    return Memory(
        weights_bytes=kept_weight_bytes(layout) * (updated if layout.zero_stage == 3 else parameters.total),
        gradient_bytes=layout.gradient_bytes * (updated if layout.zero_stage >= 2 else parameters.total),
        optimizer_bytes=optimizer_bytes(layout) * updated,
        activation_bytes=int(_activation_bytes(model, layout, stage)),
        buffer_bytes=int(_buffer_bytes(model, layout, parameters)),
        reserved_bytes=cluster.device.reserved_bytes,
        capacity_bytes=cluster.device.memory_bytes,
        stage=stage,
    )


def peak_memory(model: Architecture, cluster: Cluster, layout: Layout) -> Memory:
    """Return the bytes of the fullest device."""
    stages = telling_stages(model, layout)
    return max((stage_memory(model, cluster, layout, stage) for stage in stages), key=lambda memory: memory.total_bytes)
