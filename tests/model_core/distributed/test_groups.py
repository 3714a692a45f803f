"""The process groups of four ranks are those of the grid, and hold what the planner's simulation says they hold."""

import pytest

from model_core.errors import ConfigError
from model_core.parallel.grid import Grid, groups_of, place_of
from model_core.parallel.team import Team
from model_core.planner.cluster import DEVICES, Cluster
from model_core.planner.layout import Layout
from model_core.planner.simulate import simulate
from tests.model_core.distributed import tasks, tasks_traps
from tests.model_core.distributed.ranks import run_ranks


@pytest.mark.slow
def test_four_ranks_stand_where_the_simulation_puts_them() -> None:
    config = tasks.configure({"expert_parallel": 2}, tokens_per_step=1024)
    layout = Layout(expert=2, zero_stage=2, sequence_length=256, precision="fp32")
    planned = simulate(config.model, Cluster(DEVICES["H100"], 4), layout)
    model = tasks.new_model(config)
    for rank, found in enumerate(run_ranks(4, tasks_traps.places, config)):
        assert found["place"] == planned[rank].place == place_of(rank, Grid(4, expert=2))
        for kind, ranks in found["groups"].items():
            assert ranks in groups_of(kind, Grid(4, expert=2)) and rank in ranks
        shards = planned[rank].shards
        assert found["shapes"] == {name: tuple(shard.tensor.shape) for name, shard in shards.items()}
        for name, parameter in model.named_parameters():
            assert found["first"][name] == float(parameter[shards[name].start].flatten()[0]), name
        assert (found["sum"], found["any"], found["gathered"]) == ([6], [True, False], [0, 1, 2, 3])


def test_one_process_alone_starts_nothing() -> None:
    team = Team()
    assert (team.size, team.share([1, 2]), team.gather("x"), team.any(True)) == (1, [1, 2], ["x"], True)


@pytest.mark.parametrize(
    "parallel,train,size,message",
    [
        ({"expert_parallel": 2}, {}, 1, "expert_parallel is 2; it must divide the number of processes, 1"),
        ({"expert_parallel": 2}, {}, 3, "expert_parallel is 2; it must divide the number of processes, 3"),
        ({}, {"tokens_per_step": 768}, 2, "is 3 micro batches; the number of processes, 2, must divide it"),
    ],
)
def test_processes_that_do_not_fit_are_refused(
    parallel: dict[str, int], train: dict[str, int], size: int, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        tasks.configure(parallel, **train).check_processes(size)


def test_experts_that_cannot_be_shared_out_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"expert_parallel is 3; it must divide model.num_experts, 4"):
        tasks.configure({"expert_parallel": 3})
