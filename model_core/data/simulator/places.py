"""Korean addresses for simulated calls: real districts with roads of real patterns.

Draws the spoken and the written form; an address is plausible, not one that exists.
"""

import random

from model_core.data.korean.numbers import sino
from model_core.data.simulator.wordlists import word_list


def _district(rng: random.Random) -> str:
    roll = rng.random()
    if roll < 0.35:
        return rng.choice(("", "", "서울 ")) + rng.choice(word_list("districts_seoul"))
    if roll < 0.6:
        return rng.choice(word_list("districts_metropolitan"))
    return rng.choice(word_list("districts_city"))


def address(rng: random.Random) -> tuple[str, str]:
    """Draw an address: its spoken and its written form."""
    place = _district(rng)
    first, second = rng.randint(1, 260), rng.randint(1, 60)
    if rng.random() < 0.15:
        dong = rng.choice(word_list("neighbourhoods"))
        if rng.random() < 0.5:
            return f"{place} {dong} {sino(first)} 다시 {sino(second)}", f"{place} {dong} {first}-{second}"
        return f"{place} {dong} {sino(first)} 번지", f"{place} {dong} {first}번지"
    road = rng.choice(word_list("roads")) + rng.choice(("로", "로", "로", "대로"))
    roll = rng.random()
    if roll < 0.45:
        return f"{place} {road} {sino(first)}", f"{place} {road} {first}"
    kind = "길" if roll < 0.8 else "번길"
    return f"{place} {road} {sino(second)} {kind} {sino(first)}", f"{place} {road} {second}{kind} {first}"
