"""Taking tokens: the best allowed one, and no run of four twice."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from model_core.inference.grammar import Choice
from model_core.inference.sampling import REPEATABLE, best, unrepeated

ALL = Choice(np.arange(5), structural=False)


def test_the_best_is_taken_with_its_share_of_the_allowed() -> None:
    logits = np.array([1.0, 2.0], dtype=np.float32)
    token, logprob = best(logits, Choice(np.array([1, 2]), structural=True))
    assert token == 2
    assert np.isclose(np.exp(logprob), 1 / (1 + np.exp(-1)))


@given(st.lists(st.integers(0, 4), max_size=60))
def test_no_run_of_four_comes_twice_while_another_token_is_allowed(wishes: list[int]) -> None:
    text: list[int] = []
    for wish in wishes:
        choice = unrepeated(ALL, text)
        narrowed = len(choice.ids) < len(ALL.ids)
        text.append(wish if wish in choice.ids else int(choice.ids[0]))
        runs = [tuple(text[at : at + REPEATABLE + 1]) for at in range(len(text) - REPEATABLE)]
        if narrowed:
            assert runs.count(runs[-1]) == 1


def test_what_is_forced_may_repeat() -> None:
    only = Choice(np.array([3]), structural=False)
    assert unrepeated(only, [3, 3, 3, 3, 3]) is only
