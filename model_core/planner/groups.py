"""Where each rank stands in a layout, and which ranks talk to each other.

Ranks are counted tensor first, then data, then pipeline stage, so that tensor groups and the smaller expert groups
stay inside a node. No process is started; it knows numbers only.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Literal

from model_core.planner.cluster import Cluster
from model_core.planner.layout import Layout

GroupKind = Literal["tensor", "data", "pipeline", "expert", "expert_data"]


@dataclass(frozen=True)
class Place:
    """The coordinates of one rank."""

    rank: int
    tensor: int
    data: int
    pipeline: int
    expert: int
    expert_data: int


def place_of(rank: int, cluster: Cluster, layout: Layout) -> Place:
    """Return where `rank` stands."""
    stage, inside = divmod(rank, layout.stage_devices(cluster))
    data, tensor = divmod(inside, layout.tensor)
    expert_data, expert = divmod(inside, layout.expert)
    return Place(rank, tensor, data, stage, expert, expert_data)


# The coordinates that the ranks of one group share.
_SHARED: dict[GroupKind, Callable[[Place], Hashable]] = {
    "tensor": lambda place: (place.pipeline, place.data),
    "data": lambda place: (place.pipeline, place.tensor),
    "pipeline": lambda place: (place.data, place.tensor),
    "expert": lambda place: (place.pipeline, place.expert_data),
    "expert_data": lambda place: (place.pipeline, place.expert),
}


def groups_of(kind: GroupKind, cluster: Cluster, layout: Layout) -> list[list[int]]:
    """Return the groups of one kind, each a sorted list of ranks; together they hold every rank once."""
    groups: defaultdict[Hashable, list[int]] = defaultdict(list)
    for rank in range(cluster.count):
        groups[_SHARED[kind](place_of(rank, cluster, layout))].append(rank)
    return list(groups.values())


def partition(size: int, parts: int, index: int) -> tuple[int, int]:
    """Return the bounds of part `index` of `size` elements cut into `parts` pieces, equal but for the last ones."""
    piece = -(-size // parts)
    return min(size, index * piece), min(size, (index + 1) * piece)
