"""The processes of a run and the groups they talk in. One process alone is a team of one and starts nothing.

A launcher (torchrun, deepspeed) says by environment variables which rank this process is. It knows no model.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

import torch
from torch import Tensor, distributed

from model_core.config.schema import DeviceName, RunConfig
from model_core.errors import ConfigError
from model_core.parallel.grid import Grid, Place, groups_of, place_of

Item = TypeVar("Item")
# Long enough for a rank that saves or evaluates while others wait; a dead rank is found by `watch`, much sooner.
_COLLECTIVE_TIMEOUT = timedelta(hours=2)


@dataclass(frozen=True)
class Team:
    """This process among the others. `expert_group` shares out the experts, `expert_data_group` holds the same ones.

    `control_group` carries small messages between processors, whatever device trains.
    """

    rank: int = 0
    grid: Grid = field(default_factory=lambda: Grid(1))
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    expert_group: Any = None
    expert_data_group: Any = None
    control_group: Any = None

    @property
    def size(self) -> int:
        """The number of processes."""
        return self.grid.ranks

    @property
    def place(self) -> Place:
        """The coordinates of this process."""
        return place_of(self.rank, self.grid)

    def held_experts(self, num_experts: int) -> range:
        """Return the experts that this rank holds."""
        local = num_experts // self.grid.expert
        return range(self.place.expert * local, (self.place.expert + 1) * local)

    def share(self, items: Sequence[Item]) -> Sequence[Item]:
        """Return this rank's share of `items`: every `size`th, from the one of its own number on."""
        return items[self.rank :: self.size]

    def sum(self, tensor: Tensor) -> Tensor:
        """Return the sum over all ranks. Side effects: `tensor` itself becomes it."""
        if self.size > 1:
            distributed.all_reduce(tensor)
        return tensor

    def any(self, flag: bool) -> bool:
        """Return whether the flag is set on any rank."""
        if self.size == 1:
            return flag
        count = torch.tensor(int(flag))
        distributed.all_reduce(count, group=self.control_group)
        return bool(count)

    def gather(self, item: Item) -> list[Item]:
        """Return every rank's item, in the order of the ranks."""
        if self.size == 1:
            return [item]
        items: list[Item | None] = [None] * self.size
        distributed.all_gather_object(items, item, group=self.control_group)
        return items  # type: ignore[return-value]


def launched() -> bool:
    """Return whether a launcher started this process as one of a run."""
    return "RANK" in os.environ and "WORLD_SIZE" in os.environ


def place_in_run() -> tuple[int, int]:
    """Return the rank of this process and the number of all, as the launcher says them; 0 and 1 without one."""
    return (int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])) if launched() else (0, 1)


def join(config: RunConfig) -> Team:
    """Return the team of this process, its groups made; without a launcher, a team of one.

    Raises: ConfigError when the number of processes does not fit. Side effects: starts torch's process group.
    """
    if not launched():
        config.check_processes(1)
        return Team(device=own_device(config.train.device))
    rank, size = place_in_run()
    config.check_processes(size)
    device = own_device(config.train.device)
    if not distributed.is_initialized():
        backend = "nccl" if device.type == "cuda" else "gloo"
        distributed.init_process_group(backend, rank=rank, world_size=size, timeout=_COLLECTIVE_TIMEOUT)
    grid = Grid(size, expert=config.parallel.expert_parallel)
    return Team(
        rank=rank,
        grid=grid,
        device=device,
        expert_group=_own_group(groups_of("expert", grid), rank),
        expert_data_group=_own_group(groups_of("expert_data", grid), rank),
        control_group=distributed.new_group(backend="gloo", timeout=_COLLECTIVE_TIMEOUT),
    )


def own_device(name: DeviceName) -> torch.device:
    """Return the device to train on; "auto" is the GPU of this process's number on its machine where there is one.

    Raises: ConfigError when a GPU is named and there is none. Side effect: makes the GPU the current one.
    """
    if name == "cuda" and not torch.cuda.is_available():
        raise ConfigError("train.device is 'cuda'; this machine has no CUDA device")
    if name == "cpu" or not torch.cuda.is_available():
        return torch.device("cpu")
    device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
    torch.cuda.set_device(device)
    return device


def _own_group(groups: Sequence[Sequence[int]], rank: int) -> Any:
    """Make all groups, as every rank must, and return the one that `rank` is in."""
    made = [(ranks, distributed.new_group(list(ranks), timeout=_COLLECTIVE_TIMEOUT)) for ranks in groups]
    return next(group for ranks, group in made if rank in ranks)
