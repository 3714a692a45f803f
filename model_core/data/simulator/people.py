"""Korean names for simulated calls, drawn with the frequencies of real surnames.

Source: surname shares (per mille) of the 2015 census, rounded; given names are pairs of syllables in use.
"""

import random
from functools import cache

from model_core.data.simulator.wordlists import word_list


@cache
def _surnames() -> tuple[list[str], list[int]]:
    pairs = [line.split() for line in word_list("surnames")]
    return [name for name, _ in pairs], [int(weight) for _, weight in pairs]


def surname(rng: random.Random) -> str:
    """Draw a surname."""
    names, weights = _surnames()
    return rng.choices(names, weights)[0]


def given_name(rng: random.Random) -> str:
    """Draw a given name of two syllables."""
    first, second = rng.choice(word_list("given_first")), rng.choice(word_list("given_second"))
    return first + second if first != second else given_name(rng)


def full_name(rng: random.Random) -> str:
    """Draw a surname with a given name, one in forty of a single syllable."""
    given = rng.choice(word_list("given_second")) if rng.random() < 0.025 else given_name(rng)
    return surname(rng) + given
