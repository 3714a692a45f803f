"""The trainer on two ranks: evaluation with the averaged weights, steps left out, losses that are not finite."""

import pytest
import torch

from tests.model_core.distributed import tasks, tasks_trainer
from tests.model_core.distributed.ranks import run_ranks

pytestmark = pytest.mark.slow


def test_two_ranks_evaluate_export_and_leave_out_as_one_process_does() -> None:
    config = tasks.configure(ema_decay=0.9)
    alone = tasks_trainer.watched_steps(tasks.new_trainer(config))
    assert alone["same"] and abs(alone["averaged"] - alone["own"]) > 1e-4
    cases = [(1, 1), (2, 2), (3, 2)]
    ranks = run_ranks(2, tasks_trainer.watch, config, cases)
    for number, case in enumerate(cases):
        found = [results[number] for results in ranks]
        exported = tasks.whole([result["export"] for result in found])
        assert exported.keys() == alone["export"].keys()
        for name, tensor in alone["export"].items():
            assert torch.allclose(exported[name], tensor, atol=2e-5), (case, name)
        for result in found:
            assert result["same"], case
            for name in ("averaged", "own", "norm"):
                assert result[name] == pytest.approx(alone[name], abs=1e-5), (case, name)


def test_a_loss_that_is_not_finite_on_one_rank_stops_all_before_the_step() -> None:
    said = run_ranks(2, tasks_trainer.not_finite, tasks.configure())
    assert said[0] == said[1]
    assert said[0].startswith("the loss of micro batch 1 of step 1") and said[0].endswith("(1 taken)")
