"""Layouts: what is refused, how layers, ranks and weights are shared out, and which device is the fullest."""

import random
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_core.errors import ConfigError
from model_core.parallel.grid import groups_of, partition, place_of
from model_core.planner.architecture import (
    Architecture,
    expert_parameters,
    joining_parameters,
    layer_parameters,
    total_parameters,
)
from model_core.planner.catalog import get_architecture
from model_core.planner.cluster import DEVICES, Cluster, parse_cluster
from model_core.planner.layout import Layout, check_layout, split_layers, stage_layers
from model_core.planner.memory import activation_bytes_per_token, peak_memory, rank_parameters, stage_memory
from model_core.planner.timing import STOCK, TUNED, bubble_share, exchange_bytes, step_time
from tests.model_core.unit.planner_cases import CLUSTER_64, architectures, layouts

V3 = get_architecture("deepseek-v3")
H100S = Cluster(DEVICES["H100"], 1024)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"pipeline": 3}, "pipeline x tensor is 3; it must divide the 1024 devices"),
        ({"tensor": 16}, "tensor is 16; it must divide a node of 8"),
        ({"tensor": 3}, "tensor is 3; it must divide the 128 key-value heads"),
        ({"expert": 96}, "expert is 96; it must divide the 256 experts"),
        ({"expert": 512}, "expert is 512; it must divide the 256 experts"),
        ({"pipeline": 64}, "pipeline x virtual_stages is 64; deepseek-v3 has 61 layers"),
        ({"pipeline": 16, "zero_stage": 2}, "zero_stage is 2; with pipeline 16 it must be at most 1"),
        ({"zero_stage": 4}, "zero_stage is 4"),
        ({"virtual_stages": 2}, "with pipeline 1 it must be 1"),
        ({"pipeline": 8, "virtual_stages": 2, "accumulation": 12}, "must be a multiple of pipeline, 8"),
        ({"micro_batch": 0}, "micro_batch is 0"),
        ({"sequence_length": 200_000}, "deepseek-v3 knows 131072 positions"),
        ({"gradient_bytes": 3}, "gradient_bytes is 3"),
    ],
)
def test_impossible_layouts_are_refused_with_value_and_limit(fields: dict[str, int], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check_layout(V3, H100S, replace(Layout(), **fields))


def test_expert_groups_that_straddle_nodes_are_refused() -> None:
    with pytest.raises(ConfigError, match="expert is 12; it must divide a node of 8 devices or fill whole ones"):
        check_layout(get_architecture("ax-k1"), Cluster(DEVICES["H200"], 24), Layout(expert=12))


@pytest.mark.parametrize("text", ["0xH100", "12xH100", "8xA100", "H100", "8x", "-8xH100", "1024"])
def test_impossible_clusters_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"cluster"):
        parse_cluster(text)


@settings(max_examples=60, deadline=None)
@given(model=architectures(), pipeline=st.integers(1, 12))
def test_every_layer_is_on_one_stage(model: Architecture, pipeline: int) -> None:
    layout = Layout(pipeline=min(pipeline, model.num_layers))
    counts = split_layers(model, layout)
    assert len(counts) == layout.pipeline
    assert min(counts) >= 0
    assert sum(counts) == model.num_layers
    shared_out = [stage_layers(model, layout, stage) for stage in range(layout.pipeline)]
    assert sum(dense for dense, _ in shared_out) == model.num_dense_layers
    assert sum(moe for _, moe in shared_out) == model.num_moe_layers + model.prediction_layers


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_the_ranks_of_a_replica_hold_the_model_once(data: st.DataObject) -> None:
    model = data.draw(architectures())
    layout = replace(data.draw(layouts(model, CLUSTER_64)), tensor=1)
    held = [rank_parameters(model, layout, stage) for stage in range(layout.pipeline)]
    together = sum(one.shared + one.experts * layout.expert for one in held)
    extra = layer_parameters(model, moe=True, experts=model.num_experts) + joining_parameters(model)
    copy = model.vocab_size * model.hidden_size if layout.pipeline > 1 else 0
    assert together == total_parameters(model) + model.prediction_layers * (extra + copy)
    assert all(one.experts % expert_parameters(model) == 0 for one in held)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_the_fullest_stage_is_found_without_looking_at_all(data: st.DataObject) -> None:
    model = data.draw(architectures())
    layout = data.draw(layouts(model, CLUSTER_64))
    every = [stage_memory(model, CLUSTER_64, layout, stage).total_bytes for stage in range(layout.pipeline)]
    assert peak_memory(model, CLUSTER_64, layout).total_bytes == max(every)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_more_division_needs_no_more_memory(data: st.DataObject) -> None:
    model = data.draw(architectures())
    layout = replace(data.draw(layouts(model, CLUSTER_64)), pipeline=1, virtual_stages=1)
    parts = [peak_memory(model, CLUSTER_64, replace(layout, zero_stage=stage)) for stage in range(4)]
    for name in ("weights_bytes", "gradient_bytes", "optimizer_bytes"):
        sizes = [getattr(part, name) for part in parts]
        assert sizes == sorted(sizes, reverse=True)
    assert parts[1].optimizer_bytes < parts[0].optimizer_bytes
    assert parts[2].gradient_bytes < parts[1].gradient_bytes
    assert parts[3].weights_bytes < parts[2].weights_bytes
    for moe in (False, True):
        kept = [
            activation_bytes_per_token(model, replace(layout, checkpointing=kind), moe=moe)
            for kind in ("none", "selective", "full")
        ]
        assert kept == sorted(kept, reverse=True)


def test_bytes_of_a_weight_are_those_of_mixed_precision_adam() -> None:
    # Source: Rajbhandari et al. 2020, arXiv 1910.02054, section 3.1: 2 + 2 + 12 with gradients in 16 bits.
    model = get_architecture("llama-3.1-70b")
    memory = stage_memory(model, Cluster(DEVICES["H100"], 1), Layout(zero_stage=0, gradient_bytes=2), 0)
    assert memory.weights_bytes + memory.gradient_bytes + memory.optimizer_bytes == 16 * total_parameters(model)


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_places_and_groups_are_those_of_a_grid(data: st.DataObject) -> None:
    """Held against numpy: ranks are a grid of stage, data and tensor, and again of stage, replica and expert."""
    model = data.draw(architectures())
    layout = data.draw(layouts(model, CLUSTER_64))
    ranks = np.arange(64)
    grid = ranks.reshape(layout.pipeline, layout.data(CLUSTER_64), layout.tensor)
    experts = ranks.reshape(layout.pipeline, layout.expert_data(CLUSTER_64), layout.expert)
    for kind, table, axis in (
        ("tensor", grid, 2),
        ("data", grid, 1),
        ("pipeline", grid, 0),
        ("expert", experts, 2),
        ("expert_data", experts, 1),
    ):
        lines = np.moveaxis(table, axis, -1).reshape(-1, table.shape[axis]).tolist()
        assert sorted(groups_of(kind, layout.grid(CLUSTER_64))) == sorted(lines)
    for rank in ranks:
        place = place_of(int(rank), layout.grid(CLUSTER_64))
        assert grid[place.pipeline, place.data, place.tensor] == rank
        assert experts[place.pipeline, place.expert_data, place.expert] == rank


@given(size=st.integers(0, 10_000), parts=st.integers(1, 64))
def test_pieces_tile_the_whole(size: int, parts: int) -> None:
    pieces = [partition(size, parts, index) for index in range(parts)]
    assert pieces[0][0] == 0
    assert pieces[-1][1] == size
    assert all(one[1] == two[0] for one, two in pairwise(pieces))
    assert max(stop - start for start, stop in pieces) <= -(-size // parts)


def test_exchanged_bytes_are_those_of_random_routing() -> None:
    """Draw experts at random and count: copies that leave the GPU, and other nodes that are reached."""
    model = get_architecture("qwen3-235b-a22b")
    sent = exchange_bytes(model, H100S, Layout(expert=32))
    rng, copies, nodes, draws = random.Random(1), 0, 0, 20_000
    for _ in range(draws):
        # With replacement, as the formula has it: of 128 experts that makes little difference.
        reached = {rng.randrange(32) // 8 for _ in range(8)}
        nodes += len(reached - {0})
        copies += 8
    width = 2 * model.hidden_size
    assert sent.network == pytest.approx(nodes / draws * width, rel=0.02)
    assert sent.node == pytest.approx(copies / draws * (7 / 8) * width, rel=0.02)
    assert exchange_bytes(model, H100S, Layout(expert=8)).network == 0
    assert exchange_bytes(model, H100S, Layout(expert=1)).node == 0
    limited = exchange_bytes(V3, H100S, Layout(expert=256))
    assert limited.network <= V3.nodes_per_token * 2 * V3.hidden_size


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_time_has_no_negative_part_and_tuned_software_is_no_slower(data: st.DataObject) -> None:
    model = data.draw(architectures())
    layout = data.draw(layouts(model, CLUSTER_64))
    step = step_time(model, CLUSTER_64, layout, STOCK)
    parts = vars(step)
    assert min(parts.values()) >= 0
    assert step.total_s == pytest.approx(sum(parts.values()))
    assert step.bubble_s == pytest.approx(
        bubble_share(layout) * sum(value for name, value in parts.items() if name not in _ONCE_A_STEP)
    )
    tuned = step_time(model, CLUSTER_64, layout, TUNED)
    assert tuned.host_s == 0
    assert tuned.expert_exchange_s <= step.expert_exchange_s


_ONCE_A_STEP = ("bubble_s", "reduce_s", "optimizer_s")
