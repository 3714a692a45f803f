"""Sixty-four ranks on meta tensors: every shard and group as planned, and a wrong one found."""

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given, settings

from model_core.models.decoder import Decoder
from model_core.planner.architecture import from_model_config, total_parameters
from model_core.planner.catalog import get_config
from model_core.planner.layout import Layout, check_layout
from model_core.planner.simulate import RankShards, Shard, mismatches, simulate
from tests.model_core.unit.planner_cases import CLUSTER_64, SMALL, layouts

LAYOUT = Layout(tensor=2, pipeline=4, expert=8, accumulation=4, sequence_length=1024)


@settings(max_examples=8, deadline=None)
@given(layout=layouts(from_model_config("small", SMALL), CLUSTER_64))
def test_sixty_four_ranks_hold_what_is_planned(layout: Layout) -> None:
    assert mismatches(simulate(SMALL, CLUSTER_64, layout), SMALL, CLUSTER_64, layout) == []


def test_the_500b_model_is_shared_out_over_sixty_four_ranks_without_memory() -> None:
    config = get_config("pretrain_500b")
    layout = replace(LAYOUT, tensor=1, expert=16)
    ranks = simulate(config, CLUSTER_64, layout)
    assert mismatches(ranks, config, CLUSTER_64, layout) == []
    assert {shard.tensor.device.type for shard in ranks[0].shards.values()} == {"meta"}
    # One replica: the shared weights of each stage once, the experts of all ranks of one expert group.
    first = [held for held in ranks if held.place.data == 0]
    experts = [held for held in ranks if held.place.expert_data == 0]
    together = sum(held.shared_size for held in first) + sum(held.expert_size for held in experts)
    assert together == total_parameters(from_model_config("500b", config))


def test_every_element_is_on_one_rank_of_a_replica() -> None:
    """Counted element by element, without the planner's own bookkeeping."""
    ranks = simulate(SMALL, CLUSTER_64, LAYOUT)
    sizes = {name: parameter.shape for name, parameter in Decoder(SMALL).named_parameters()}
    seen: dict[str, set[tuple[int, ...]]] = {name: set() for name in sizes}
    for held in ranks:
        for name, shard in held.shards.items():
            if (held.place.expert_data if shard.is_expert else held.place.data) or shard.tensor.dim() != 2:
                continue
            rows, columns = (range(size) for size in sizes[name])
            if shard.dim == 0:
                rows = range(shard.start, shard.stop)
            elif shard.dim == 1:
                columns = range(shard.start, shard.stop)
            cells = set(product(rows, columns))
            assert shard.dim is None or not cells & seen[name], name
            seen[name] |= cells
    for name, size in sizes.items():
        if len(size) == 2:
            assert len(seen[name]) == size[0] * size[1], name


def _without(held: RankShards, name: str) -> RankShards:
    return replace(held, shards={key: shard for key, shard in held.shards.items() if key != name})


def _shifted(held: RankShards, ending: str) -> RankShards:
    name, shard = next((name, shard) for name, shard in held.shards.items() if name.endswith(ending))
    moved = Shard(shard.tensor, shard.dim, shard.start + 1, shard.stop + 1, shard.is_expert)
    return replace(held, shards={**held.shards, name: moved})


@pytest.mark.parametrize("fault", ["parameter lost", "rows moved", "experts moved", "piece doubled", "size changed"])
def test_a_wrong_shard_is_found(fault: str) -> None:
    ranks = simulate(SMALL, CLUSTER_64, LAYOUT)
    if fault == "parameter lost":
        ranks = [_without(held, "layers.3.attention.q_norm.weight") for held in ranks]
    elif fault == "rows moved":
        ranks[0] = _shifted(ranks[0], "q_proj.weight")
    elif fault == "experts moved":
        ranks[20] = _shifted(ranks[20], "gate_up_EJD")
    elif fault == "piece doubled":
        ranks[2] = replace(ranks[2], shared_piece=ranks[0].shared_piece)
    else:
        ranks[5] = replace(ranks[5], expert_size=ranks[5].expert_size - 1)
    assert mismatches(ranks, SMALL, CLUSTER_64, LAYOUT)


def test_the_layout_of_the_faults_exists() -> None:
    check_layout(from_model_config("small", SMALL), CLUSTER_64, LAYOUT)
