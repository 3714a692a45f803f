"""Where each rank stands in a run, and which ranks talk to each other.

Ranks are counted tensor first, then data, then pipeline stage, so that tensor groups and the smaller expert groups
stay inside a node. The planner lays out runs on paper with it, the trainer makes its process groups by it. No process
is started; it knows numbers only and imports no torch.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Literal

GroupKind = Literal["tensor", "data", "pipeline", "expert", "expert_data"]


@dataclass(frozen=True)
class Grid:
    """The ranks of a run and how many of them each kind of parallelism takes."""

    ranks: int
    tensor: int = 1
    pipeline: int = 1
    expert: int = 1

    @property
    def stage(self) -> int:
        """The ranks that hold one pipeline stage."""
        return self.ranks // self.pipeline


@dataclass(frozen=True)
class Place:
    """The coordinates of one rank."""

    rank: int
    tensor: int
    data: int
    pipeline: int
    expert: int
    expert_data: int


def place_of(rank: int, grid: Grid) -> Place:
    """Return where `rank` stands."""
    stage, inside = divmod(rank, grid.stage)
    data, tensor = divmod(inside, grid.tensor)
    expert_data, expert = divmod(inside, grid.expert)
    return Place(rank, tensor, data, stage, expert, expert_data)


# The coordinates that the ranks of one group share.
_SHARED: dict[GroupKind, Callable[[Place], Hashable]] = {
    "tensor": lambda place: (place.pipeline, place.data),
    "data": lambda place: (place.pipeline, place.tensor),
    "pipeline": lambda place: (place.data, place.tensor),
    "expert": lambda place: (place.pipeline, place.expert_data),
    "expert_data": lambda place: (place.pipeline, place.expert),
}


def groups_of(kind: GroupKind, grid: Grid) -> list[list[int]]:
    """Return the groups of one kind, each a sorted list of ranks; together they hold every rank once."""
    groups: defaultdict[Hashable, list[int]] = defaultdict(list)
    for rank in range(grid.ranks):
        groups[_SHARED[kind](place_of(rank, grid))].append(rank)
    return list(groups.values())


def partition(size: int, parts: int, index: int) -> tuple[int, int]:
    """Return the bounds of part `index` of `size` elements cut into `parts` pieces, equal but for the last ones."""
    piece = -(-size // parts)
    return min(size, index * piece), min(size, (index + 1) * piece)
