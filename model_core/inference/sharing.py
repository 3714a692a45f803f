"""Which beginnings of prompts are read once: that of a prompt which begins as one before it comes from there.

It compares token ids; it knows no model and no cache.
"""

from collections.abc import Sequence
from typing import NamedTuple


class Beginning(NamedTuple):
    """The first `length` tokens of a prompt are those of prompt number `source`; `length` 0 when none are shared."""

    source: int
    length: int


def shared_beginnings(prompts: Sequence[list[int]]) -> list[Beginning]:
    """Return for each prompt what it shares with an earlier one that shares nothing itself, the longest there is.

    The last token of either prompt is never shared: the state that the first token is chosen from stands there. Less
    than half a prompt is not shared: the rest would have to be read against a cache, at about twice the cost a token.
    """
    found: list[Beginning] = []
    for number, prompt in enumerate(prompts):
        sources = (other for other, beginning in enumerate(found) if beginning.length == 0)
        shared = (Beginning(other, _common(prompt, prompts[other])) for other in sources)
        longest = max(shared, key=lambda beginning: beginning.length, default=Beginning(number, 0))
        found.append(longest if 2 * longest.length >= len(prompt) else Beginning(number, 0))
    return found


def _common(prompt: list[int], other: list[int]) -> int:
    pairs = zip(prompt[:-1], other[:-1], strict=False)
    return next((length for length, (a, b) in enumerate(pairs) if a != b), min(len(prompt), len(other)) - 1)
