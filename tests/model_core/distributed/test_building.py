"""What a rank holds of a model that is nearly all experts: its own ones, when they are drawn, read and gone on from."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from model_core.checkpoint.pretrained import save_model
from model_core.checkpoint.store import CheckpointStore, load_snapshot
from model_core.config.schema import ModelConfig, RunConfig
from model_core.models.decoder import Decoder
from model_core.parallel.slices import split_name
from model_core.parallel.team import Team
from model_core.training.trainer import Trainer
from tests.model_core.distributed import tasks, tasks_building
from tests.model_core.distributed.ranks import run_ranks

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

MODEL = ModelConfig(
    vocab_size=4096,
    hidden_size=128,
    num_layers=5,
    num_heads=4,
    num_kv_heads=2,
    head_dim=32,
    dense_intermediate_size=128,
    moe_intermediate_size=1024,
    num_experts=32,
    num_experts_per_token=2,
    max_positions=256,
)


def part_of(model: Decoder, name: str) -> torch.Tensor:
    whole, rows = split_name(name)
    tensor = model.state_dict()[whole]
    return tensor if rows is None else tensor[rows.start : rows.stop]


def assert_parts(model: Decoder, ranks: list[dict[str, str]]) -> None:
    """Assert that the ranks together hold all of a model, and what they hold is the model's to the bit."""
    assert {split_name(name)[0] for name in ranks[0]} == model.state_dict().keys()
    assert len(ranks[0].keys() - ranks[1].keys()) == 2 * (MODEL.num_layers - MODEL.num_dense_layers)
    for digests in ranks:
        for name, digest in digests.items():
            assert tasks_building.digest(part_of(model, name)) == digest, name


def test_a_rank_builds_reads_and_saves_its_own_experts_alone_and_they_are_those_of_one_process(tmp_path: Path) -> None:
    config: RunConfig = replace(tasks.configure(wire_copying=False, ema_decay=0.0), model=MODEL)
    with tasks_building.watched_growth() as alone:
        model = tasks_building.build(config, Team())
    whole_bytes = 4 * sum(parameter.numel() for parameter in model.parameters())
    assert whole_bytes > 200e6 and alone.bytes > 0.95 * whole_bytes
    drawn = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    trainer = Trainer(config, model)
    generator = torch.Generator().manual_seed(1)
    for tensor in trainer.engine.state().values():
        tensor.normal_(generator=generator)
    for parameter in model.parameters():
        parameter.data.add_(0.5)
    save_model(tmp_path / "init", model.config, model.state_dict())
    saved, _ = CheckpointStore(tmp_path / "alone", 1).save(trainer.snapshot(), model.config, None)
    spread = replace(config, parallel=replace(config.parallel, expert_parallel=2))
    ranks = run_ranks(2, tasks_building.begin, spread, tmp_path / "init", saved)
    for found in ranks:
        assert 4 * found["parameters"] < 0.55 * whole_bytes
        grown = {name: size / whole_bytes for name, size in found["bytes"].items()}
        assert grown["drawing"] < 0.6 and grown["reading"] < 0.7, grown
        # Going on makes this rank's momenta, saving copies its weights and its momenta.
        assert grown["resuming"] < 1.0 and grown["saving"] < 1.2, grown
    assert_parts(model, [found["read"] for found in ranks])
    model.load_state_dict(drawn)
    assert_parts(model, [found["drawn"] for found in ranks])
    again = CheckpointStore(tmp_path / "alone" / "again", 1).newest()
    assert again is not None
    before, after = load_snapshot(saved), load_snapshot(again)
    for wanted, got in ((before.model, after.model), (before.state, after.state)):
        assert wanted.keys() <= got.keys()
        for name in wanted:
            assert torch.equal(wanted[name], got[name]), name
