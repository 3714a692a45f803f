"""How a run is divided over devices, and which divisions cannot be.

Attention, dense layers and shared experts are cut by tensor parallelism; routed experts stay whole and are spread by
expert parallelism over the tensor and data ranks of a stage. It knows sizes only, neither times nor bytes.
Source: parallel folding, arXiv 2504.14960; ZeRO stages, Rajbhandari et al. 2020, arXiv 1910.02054.
"""

from dataclasses import dataclass
from itertools import accumulate
from typing import Literal

from model_core.errors import ConfigError
from model_core.parallel.grid import Grid
from model_core.planner.architecture import Architecture, head_flops, layer_flops
from model_core.planner.cluster import Cluster

Checkpointing = Literal["none", "selective", "full"]
PlanPrecision = Literal["fp32", "bf16", "fp8"]
PlanOptimizer = Literal["adamw", "adamw-bf16-moments", "muon"]
PlanTrainer = Literal["megatron", "own"]


@dataclass(frozen=True)
class Layout:
    """A division of a run.

    `micro_batch` counts sequences of one forward pass of one data rank, `accumulation` the micro batches of a step,
    `virtual_stages` the pieces of a pipeline stage that are interleaved. `gradient_bytes` is 4 for fp32 accumulation.
    `trainer` is what runs it: a program of the kind that the public runs used, or this project's own, which keeps
    weights in fp32 and divides by experts and ZeRO alone.
    """

    tensor: int = 1
    pipeline: int = 1
    expert: int = 1
    virtual_stages: int = 1
    zero_stage: int = 1
    micro_batch: int = 1
    accumulation: int = 1
    sequence_length: int = 4096
    checkpointing: Checkpointing = "selective"
    precision: PlanPrecision = "bf16"
    optimizer: PlanOptimizer = "adamw"
    gradient_bytes: int = 4
    trainer: PlanTrainer = "megatron"

    @property
    def tokens_per_micro_batch(self) -> int:
        """The tokens of one forward pass of one data rank."""
        return self.micro_batch * self.sequence_length

    def grid(self, cluster: Cluster) -> Grid:
        """Return where the devices stand, one rank a device."""
        return Grid(cluster.count, self.tensor, self.pipeline, self.expert)

    def stage_devices(self, cluster: Cluster) -> int:
        """Return the devices that hold one pipeline stage."""
        return cluster.count // self.pipeline

    def data(self, cluster: Cluster) -> int:
        """Return the number of data-parallel ranks."""
        return self.stage_devices(cluster) // self.tensor

    def expert_data(self, cluster: Cluster) -> int:
        """Return the number of ranks that hold the same experts."""
        return self.stage_devices(cluster) // self.expert

    def tokens_per_step(self, cluster: Cluster) -> int:
        """Return the tokens of one optimizer step of the whole cluster."""
        return self.tokens_per_micro_batch * self.accumulation * self.data(cluster)

    @property
    def label(self) -> str:
        """A short name, as tables write it."""
        pieces = [f"TP{self.tensor}", f"PP{self.pipeline}", f"EP{self.expert}", f"ZeRO-{self.zero_stage}"]
        if self.virtual_stages > 1:
            pieces.insert(2, f"VP{self.virtual_stages}")
        return " ".join([*pieces, f"MBS{self.micro_batch}", f"GA{self.accumulation}", self.checkpointing])


def split_layers(model: Architecture, layout: Layout) -> tuple[int, ...]:
    """Return the layers of each stage, balanced by operations: the last one, with the heads, gets fewer of them."""
    per_layer = layer_flops(model, moe=model.num_experts > 0, sequence_length=layout.sequence_length)
    heads = (1 + model.prediction_layers) * head_flops(model)
    head_layers = round(heads / (per_layer.dense + per_layer.experts + per_layer.scores)) + model.prediction_layers
    last = max(0, (model.num_layers + head_layers) // layout.pipeline - head_layers)
    if layout.pipeline == 1:
        return (model.num_layers,)
    base, more = divmod(model.num_layers - last, layout.pipeline - 1)
    # The first stage holds the embedding and waits for the most micro batches: it is the last to get one more.
    return (base, *(base + (stage <= more) for stage in range(1, layout.pipeline - 1)), last)


def stage_layers(model: Architecture, layout: Layout, stage: int) -> tuple[int, int]:
    """Return the dense and the mixture layers of a stage.

    Dense layers come first in the model; prediction layers, which are mixtures, stand behind the last stage's others.
    """
    counts = split_layers(model, layout)
    first = sum(counts[:stage])
    dense = max(0, min(model.num_dense_layers, first + counts[stage]) - first)
    return dense, counts[stage] - dense + (model.prediction_layers if stage == layout.pipeline - 1 else 0)


def telling_stages(model: Architecture, layout: Layout) -> list[int]:
    """Return the stages of which one is the fullest and one the slowest: the ends, the second, the first that is all
    mixture and the one before it, which may hold layers of both kinds.

    Stages behind the second get no more layers than those before them and hold fewer micro batches at once.
    """
    ends = [0, *accumulate(split_layers(model, layout))]
    mixture = next((stage for stage, first in enumerate(ends) if first >= model.num_dense_layers), 0)
    last = layout.pipeline - 1
    return sorted({0, min(1, last), min(max(0, mixture - 1), last), min(mixture, last), last})


def check_layout(model: Architecture, cluster: Cluster, layout: Layout) -> None:
    """Raise ConfigError, with the value and the limit, when the layout cannot exist on this cluster."""
    for field in ("tensor", "pipeline", "expert", "virtual_stages", "micro_batch", "accumulation", "sequence_length"):
        _require(getattr(layout, field) >= 1, f"{field} is {getattr(layout, field)}; it must be at least 1")
    _check_shape(model, layout)
    _check_devices(model, cluster, layout)
    _check_zero(layout)
    if layout.trainer == "own":
        _check_own_trainer(layout)
    _require(
        layout.precision != "fp8" or cluster.device.has_fp8,
        f"precision is fp8; {cluster.device.name} computes in fp32 and bf16 only",
    )


def _check_shape(model: Architecture, layout: Layout) -> None:
    _require(
        model.num_kv_heads % layout.tensor == 0,
        f"tensor is {layout.tensor}; it must divide the {model.num_kv_heads} key-value heads of {model.name}",
    )
    for name in ("vocab_size", "dense_intermediate_size", "moe_intermediate_size"):
        _require(
            getattr(model, name) % layout.tensor == 0,
            f"tensor is {layout.tensor}; it must divide {name} of {model.name}, {getattr(model, name)}",
        )
    stages = layout.pipeline * layout.virtual_stages
    _require(
        stages <= model.num_layers,
        f"pipeline x virtual_stages is {stages}; {model.name} has {model.num_layers} layers to share out",
    )
    _require(
        layout.virtual_stages == 1 or layout.pipeline > 1,
        f"virtual_stages is {layout.virtual_stages}; with pipeline 1 it must be 1",
    )
    _require(
        layout.sequence_length <= model.max_positions,
        f"sequence_length is {layout.sequence_length}; {model.name} knows {model.max_positions} positions",
    )
    _require(
        model.num_experts > 0 or layout.expert == 1,
        f"expert is {layout.expert}; {model.name} has no experts, so it must be 1",
    )
    _require(
        model.num_experts == 0 or model.num_experts % layout.expert == 0,
        f"expert is {layout.expert}; it must divide the {model.num_experts} experts of {model.name}",
    )


def _check_devices(model: Architecture, cluster: Cluster, layout: Layout) -> None:
    _require(
        cluster.count % (layout.pipeline * layout.tensor) == 0,
        f"pipeline x tensor is {layout.pipeline * layout.tensor}; it must divide the {cluster.count} devices",
    )
    stage = layout.stage_devices(cluster)
    _require(
        stage % layout.expert == 0,
        f"expert is {layout.expert}; it must divide the {stage} devices of a pipeline stage",
    )
    node = cluster.device.devices_per_node
    _require(
        node % layout.tensor == 0,
        f"tensor is {layout.tensor}; it must divide a node of {node} devices",
    )
    _require(
        node % layout.expert == 0 or layout.expert % node == 0,
        f"expert is {layout.expert}; it must divide a node of {node} devices or fill whole ones",
    )
    _require(
        layout.virtual_stages == 1 or layout.accumulation % layout.pipeline == 0,
        f"accumulation is {layout.accumulation}; with interleaved stages it must be a multiple of pipeline, "
        f"{layout.pipeline}",
    )


def _check_zero(layout: Layout) -> None:
    _require(0 <= layout.zero_stage <= 3, f"zero_stage is {layout.zero_stage}; it must lie between 0 and 3")
    # DeepSpeed's pipeline engine refuses partitioned gradients: each micro batch would have to be reduced at once.
    _require(
        layout.pipeline == 1 or layout.zero_stage <= 1,
        f"zero_stage is {layout.zero_stage}; with pipeline {layout.pipeline} it must be at most 1",
    )
    _require(layout.gradient_bytes in (2, 4), f"gradient_bytes is {layout.gradient_bytes}; it must be 2 or 4")


def _check_own_trainer(layout: Layout) -> None:
    known: dict[str, tuple[object, ...]] = {
        "tensor": (1,),
        "pipeline": (1,),
        "zero_stage": (1, 2, 3),
        "precision": ("fp32", "bf16"),
        "optimizer": ("adamw",),
        "checkpointing": ("none", "full"),
        "gradient_bytes": (4,),
    }
    for name, values in known.items():
        value = getattr(layout, name)
        _require(value in values, f"{name} is {value}; this project's trainer knows {', '.join(map(str, values))}")


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ConfigError(f"this layout cannot run: {message}")
