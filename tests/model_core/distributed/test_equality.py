"""Two ranks compute what one process computes, at every ZeRO stage, with the experts together and spread."""

from dataclasses import replace
from itertools import product

import pytest

from tests.model_core.distributed import tasks, tasks_equal
from tests.model_core.distributed.ranks import run_ranks

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

STEPS = 50
CLIP, NO_CLIP = 0.5, 1e9


def test_fifty_plain_steps_have_the_losses_of_one_process() -> None:
    config = tasks.configure()
    cases = list(product((1, 2, 3), (1, 2), (CLIP, NO_CLIP)))
    alone = {}
    for clip in (CLIP, NO_CLIP):
        clipped = replace(config, train=replace(config.train, clip_norm=clip))
        alone[clip] = tasks.sgd_losses(clipped, STEPS, clip < NO_CLIP)
    assert max(abs(a - b) for a, b in zip(alone[CLIP], alone[NO_CLIP], strict=True)) > 1e-3, "the norm limits nothing"
    for losses in run_ranks(2, tasks_equal.all_losses, config, cases, STEPS, timeout_s=1500):
        for case, found in zip(cases, losses, strict=True):
            gap = max(abs(a - b) for a, b in zip(alone[case[2]], found, strict=True))
            assert gap <= 1e-6, f"ZeRO {case[0]}, experts over {case[1]}, clip {case[2]}: {gap}"


def test_layers_computed_again_in_the_backward_pass_change_nothing() -> None:
    config = tasks.configure(activation_checkpointing=True)
    cases = [(2, 2, NO_CLIP), (3, 1, NO_CLIP), (3, 2, NO_CLIP)]
    alone = tasks.sgd_losses(tasks.configure(), 3, clip=False)
    for losses in run_ranks(2, tasks_equal.all_losses, config, cases, 3):
        for case, found in zip(cases, losses, strict=True):
            assert found == pytest.approx(alone, abs=1e-6), case
