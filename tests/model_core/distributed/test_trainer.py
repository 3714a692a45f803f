"""The trainer on two ranks: evaluation with the averaged weights, steps left out, losses that are not finite."""

from dataclasses import replace

import pytest
import torch

from tests.model_core.distributed import tasks, tasks_trainer
from tests.model_core.distributed.ranks import run_ranks

pytestmark = pytest.mark.slow


def test_two_ranks_evaluate_export_and_leave_out_as_one_process_does() -> None:
    """With Muon too: the matrices that ZeRO cut into flat pieces are made orthogonal whole."""
    config = tasks.configure(ema_decay=0.9)
    by_optimizer = {}
    for name in ("adamw", "muon"):
        trainer = tasks.new_trainer(replace(config, train=replace(config.train, optimizer=name)))
        by_optimizer[name] = tasks_trainer.watched_steps(trainer)
    cases = [(1, 1, "muon"), (2, 2, "muon"), (3, 1, "muon"), (3, 2, "muon"), (2, 1, "adamw"), (3, 2, "adamw")]
    ranks = run_ranks(2, tasks_trainer.watch, config, cases)
    for number, case in enumerate(cases):
        alone = by_optimizer[case[2]]
        assert alone["same"] and abs(alone["averaged"] - alone["own"]) > 1e-4
        found = [results[number] for results in ranks]
        exported = tasks.whole([result["export"] for result in found])
        assert exported.keys() == alone["export"].keys()
        for name, tensor in alone["export"].items():
            assert torch.allclose(exported[name], tensor, atol=2e-5), (case, name)
        for result in found:
            assert result["same"], case
            for name in ("averaged", "own", "norm"):
                assert result[name] == pytest.approx(alone[name], abs=1e-5), (case, name)


def test_a_step_that_is_not_to_be_taken_is_taken_by_no_rank() -> None:
    config = tasks.configure({"expert_parallel": 2}, spike_threshold=8.0)
    said = run_ranks(2, tasks_trainer.refused, config)
    assert said[0] == said[1]
    assert (said[0]["ended"], said[0]["skipped"], said[0]["same"]) == (1, 1, True)
    assert said[0]["gradient"] == "the gradient norm of step 2 (examples 2 to 2) is inf; no step was taken (2 taken)"
    assert said[0]["loss"].startswith("the loss of micro batch 1 of step 2") and said[0]["loss"].endswith("(2 taken)")
