"""What every rank of a layout holds, built from this project's own modules without memory and without processes.

The model is made on torch's meta device, where tensors have shapes and no values; each rank takes its stage, its
tensor or expert slice, and its ZeRO piece. `mismatches` compares all of it with the plan. It knows no communication.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from model_core.config.schema import ModelConfig
from model_core.models.decoder import Decoder
from model_core.parallel.grid import GroupKind, Place, groups_of, partition, place_of
from model_core.planner.architecture import Architecture, from_model_config
from model_core.planner.cluster import Cluster
from model_core.planner.layout import Layout, check_layout, split_layers
from model_core.planner.memory import rank_parameters

# The dimension that tensor parallelism cuts, by the end of a parameter's name; experts are cut by expert parallelism.
_TENSOR_CUTS = {
    "q_proj.weight": 0,
    "k_proj.weight": 0,
    "v_proj.weight": 0,
    "o_proj.weight": 1,
    "gate_proj.weight": 0,
    "up_proj.weight": 0,
    "down_proj.weight": 1,
    "embedding.weight": 0,
    "head.weight": 0,
}
_EXPERT_CUTS = ("gate_up_EJD", "down_EDI")


@dataclass(frozen=True)
class Shard:
    """A slice of a parameter: rows `start` to `stop` of dimension `dim`, or all of it when `dim` is None."""

    tensor: Tensor
    dim: int | None
    start: int
    stop: int
    is_expert: bool


@dataclass(frozen=True)
class RankShards:
    """What one rank holds. `shared_piece` and `expert_piece` bound its part of the flattened optimizer state."""

    place: Place
    shards: dict[str, Shard]
    shared_size: int
    expert_size: int
    shared_piece: tuple[int, int]
    expert_piece: tuple[int, int]


def simulate(config: ModelConfig, cluster: Cluster, layout: Layout) -> list[RankShards]:
    """Return what each rank of the cluster holds.

    Raises: ConfigError when the layout cannot exist.
    """
    model = from_model_config("model", config)
    check_layout(model, cluster, layout)
    with torch.device("meta"):
        decoder = Decoder(config)
    stages = _stage_parameters(decoder, model, layout)
    return [
        _rank_shards(stages[place.pipeline], place, cluster, layout)
        for place in (place_of(rank, layout.grid(cluster)) for rank in range(cluster.count))
    ]


def _stage_parameters(decoder: Decoder, model: Architecture, layout: Layout) -> list[dict[str, Tensor]]:
    stage_of_layer = [stage for stage, count in enumerate(split_layers(model, layout)) for _ in range(count)]
    stages: list[dict[str, Tensor]] = [{} for _ in range(layout.pipeline)]
    for name, parameter in decoder.named_parameters():
        part, _, rest = name.partition(".")
        if part == "layers":
            stage = stage_of_layer[int(rest.partition(".")[0])]
        else:
            stage = 0 if part == "embedding" else layout.pipeline - 1
        stages[stage][name] = parameter
    return stages


def _rank_shards(parameters: dict[str, Tensor], place: Place, cluster: Cluster, layout: Layout) -> RankShards:
    shards = {name: _shard(name, parameter, place, layout) for name, parameter in parameters.items()}
    shared = sum(shard.tensor.numel() for shard in shards.values() if not shard.is_expert)
    experts = sum(shard.tensor.numel() for shard in shards.values() if shard.is_expert)
    divided = layout.zero_stage >= 1
    return RankShards(
        place=place,
        shards=shards,
        shared_size=shared,
        expert_size=experts,
        shared_piece=partition(shared, layout.data(cluster), place.data) if divided else (0, shared),
        expert_piece=partition(experts, layout.expert_data(cluster), place.expert_data) if divided else (0, experts),
    )


def _shard(name: str, parameter: Tensor, place: Place, layout: Layout) -> Shard:
    if name.endswith(_EXPERT_CUTS):
        return _cut(parameter, 0, layout.expert, place.expert, is_expert=True)
    for ending, dim in _TENSOR_CUTS.items():
        if name.endswith(ending):
            return _cut(parameter, dim, layout.tensor, place.tensor, is_expert=False)
    return Shard(parameter, None, 0, parameter.shape[0], is_expert=False)


def _cut(parameter: Tensor, dim: int, parts: int, index: int, *, is_expert: bool) -> Shard:
    size = parameter.shape[dim] // parts
    return Shard(parameter.narrow(dim, index * size, size), dim, index * size, (index + 1) * size, is_expert)


def mismatches(ranks: Sequence[RankShards], config: ModelConfig, cluster: Cluster, layout: Layout) -> list[str]:
    """Return a sentence for everything in which the ranks differ from the plan; an empty list means that all agree."""
    return [
        *_group_mismatches(cluster, layout),
        *_size_mismatches(ranks, from_model_config("model", config), layout),
        *_cover_mismatches(ranks, config),
        *_zero_mismatches(ranks, cluster, layout),
    ]


def _group_mismatches(cluster: Cluster, layout: Layout) -> Iterator[str]:
    sizes: dict[GroupKind, int] = {
        "tensor": layout.tensor,
        "data": layout.data(cluster),
        "pipeline": layout.pipeline,
        "expert": layout.expert,
        "expert_data": layout.expert_data(cluster),
    }
    for kind, size in sizes.items():
        groups = groups_of(kind, layout.grid(cluster))
        if sorted(rank for group in groups for rank in group) != list(range(cluster.count)):
            yield f"the {kind} groups do not hold every rank once"
        if {len(group) for group in groups} != {size}:
            yield f"the {kind} groups have {sorted({len(group) for group in groups})} ranks; planned are {size}"


def _size_mismatches(ranks: Sequence[RankShards], model: Architecture, layout: Layout) -> Iterator[str]:
    for held in ranks:
        planned = rank_parameters(model, layout, held.place.pipeline)
        if (held.shared_size, held.expert_size) != (planned.shared, planned.experts):
            yield (
                f"rank {held.place.rank} holds {held.shared_size} shared and {held.expert_size} expert weights; "
                f"planned are {planned.shared} and {planned.experts}"
            )


def _cover_mismatches(ranks: Sequence[RankShards], config: ModelConfig) -> Iterator[str]:
    """Every replica of every parameter must be covered once: no row missing, none twice, none left out of the model."""
    with torch.device("meta"):
        whole = {name: parameter.shape for name, parameter in Decoder(config).named_parameters()}
    pieces: defaultdict[tuple[str, int], set[tuple[int, int]]] = defaultdict(set)
    for held in ranks:
        for name, shard in held.shards.items():
            replica = held.place.expert_data if shard.is_expert else held.place.data
            pieces[name, replica].add((shard.start, shard.stop))
            if shard.dim is not None and shard.tensor.shape[shard.dim] != shard.stop - shard.start:
                yield f"rank {held.place.rank}: {name} has {shard.tensor.shape[shard.dim]} rows for another range"
    dims = {name: shard.dim or 0 for held in ranks for name, shard in held.shards.items()}
    for missing in whole.keys() - dims.keys():
        yield f"no rank holds {missing}"
    for (name, replica), ranges in pieces.items():
        if not _tiles(sorted(ranges), whole[name][dims[name]]):
            yield f"replica {replica} of {name} is covered by {sorted(ranges)}; it has {whole[name][dims[name]]} rows"


def _zero_mismatches(ranks: Sequence[RankShards], cluster: Cluster, layout: Layout) -> Iterator[str]:
    if layout.zero_stage == 0:
        return
    kinds: tuple[tuple[GroupKind, str], ...] = (("data", "shared"), ("expert_data", "expert"))
    for kind, part in kinds:
        for group in groups_of(kind, layout.grid(cluster)):
            sizes = {getattr(ranks[rank], f"{part}_size") for rank in group}
            pieces = sorted(getattr(ranks[rank], f"{part}_piece") for rank in group)
            if len(sizes) != 1 or not _tiles(pieces, min(sizes)):
                yield f"the {part} optimizer pieces of ranks {group} are {pieces} of {sorted(sizes)} values"


def _tiles(ranges: Sequence[tuple[int, int]], size: int) -> bool:
    """Return whether sorted ranges cover 0 to `size` once; empty ranges may stand at the end."""
    position = 0
    for start, stop in ranges:
        if start != position:
            return False
        position = stop
    return position == size
