"""What is known to go wrong with experts under DeepSpeed, each tried on two ranks."""

from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
import torch

from model_core.checkpoint.pretrained import load_model
from model_core.checkpoint.store import CheckpointStore, load_snapshot
from model_core.config.schema import ParallelConfig
from model_core.errors import CheckpointError, ConfigError
from tests.model_core.distributed import tasks, tasks_traps
from tests.model_core.distributed.ranks import run_ranks

pytestmark = pytest.mark.slow


def test_ranks_whose_tokens_choose_other_experts_neither_stop_nor_wait() -> None:
    """Plain lists of experts abort under ZeRO-1 and 2 here, and hang under ZeRO-3."""
    config = tasks.configure()
    cases = list(product((1, 2, 3), (1, 2)))
    alone = tasks_traps.apart_alone(config)
    for losses in run_ranks(2, tasks_traps.apart, config, cases):
        for case, found in zip(cases, losses, strict=True):
            assert found == pytest.approx(alone, abs=1e-6), case


@pytest.mark.parametrize("stage", [2, 3])
def test_a_saved_folder_holds_the_experts_of_all_ranks_and_the_biases(tmp_path: Path, stage: int) -> None:
    """DeepSpeed's own export writes the first rank's experts; its universal checkpoint zeroes the biases when read.

    The same ranks clip by the norm of all experts, and balance them by the choices of all ranks.
    """
    config = tasks.configure({"expert_parallel": 2, "zero_stage": stage})
    alone = tasks.new_trainer(config)
    norms = [alone.step(tasks.step_batch(seed))["grad_norm"] for seed in range(tasks_traps.STEPS)]
    ranks = run_ranks(2, tasks_traps.trained_and_saved, config, tmp_path)
    folder = CheckpointStore(tmp_path, 1).newest()
    assert folder is not None
    assert len(list(folder.glob("model-*-of-00002.safetensors"))) == 2
    saved, wanted = load_model(folder).state_dict(), alone.model.state_dict()
    for name, tensor in wanted.items():
        assert torch.allclose(saved[name], tensor, atol=2e-5), name
    for found in ranks:
        # The token counts of all ranks move the bias, which then is what one process makes of them, to the bit.
        assert found["loads"] == [0]
        assert found["norms"] == pytest.approx(norms, rel=1e-4) and max(norms) > config.train.clip_norm
        assert all(map(torch.equal, found["restored"], found["biases"]))
        for bias, router in zip(found["biases"], alone.model.routers(), strict=True):
            assert torch.equal(bias, router.correction_bias)
    snapshot = load_snapshot(folder)
    assert torch.equal(snapshot.model["layers.1.mlp.router.correction_bias"], ranks[0]["biases"][0])
    back = tasks.new_trainer(config)
    back.restore(snapshot)
    assert torch.equal(next(back.model.routers()).correction_bias, ranks[0]["biases"][0])
    assert back.progress == alone.progress


def test_parts_that_are_not_the_whole_model_are_not_saved(tmp_path: Path) -> None:
    snapshot = tasks.new_trainer(tasks.configure()).snapshot()
    less = {name: tensor for name, tensor in snapshot.model.items() if not name.endswith("down_EDI")}
    with pytest.raises(CheckpointError, match="weights would be saved; the model has"):
        CheckpointStore(tmp_path, 1).save(replace(snapshot, model=less), tasks.TINY.model, None)
    assert not list(tmp_path.iterdir())


def test_stage_0_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"parallel.zero_stage is 0; it must be 1, 2 or 3"):
        ParallelConfig(zero_stage=0)


def test_the_gate_stays_in_fp32_in_a_bf16_run() -> None:
    config = tasks.configure({"expert_parallel": 2}, precision="bf16")
    for found in run_ranks(2, tasks_traps.gates_in_bf16, config):
        assert found["routers"] == found["biases"] == [torch.float32]
        for weights in found["received"]:
            assert weights.dtype == torch.float32
            assert not torch.equal(weights, weights.bfloat16().float()), "rounded on the way"
