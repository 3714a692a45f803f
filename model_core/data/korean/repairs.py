"""What a speaker took back: a value, words such as 아니 or 죄송합니다, and the value that was meant.

It knows text and where values stand in it, not what they mean.
"""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

Span = tuple[int, int]
_REPAIR: Final = frozenset(
    ("아니", "아니다", "아니요", "아니지", "아", "어", "참", "죄송합니다", "죄송해요", "미안", "미안합니다")
)
_SAYS_SO: Final = _REPAIR - {"아", "어", "참"}


def taken_back(text: str, values: Sequence[Span]) -> list[Span]:
    """Return the stretches of `text` that were taken back, each up to the value that was meant.

    `values` are the places of the values, in order and apart.
    """
    found = []
    for (start, end), (following, _) in pairwise(values):
        words = set(re.findall("[가-힣]+", text[end:following]))
        if not _SAYS_SO.isdisjoint(words) and _REPAIR.issuperset(words):
            found.append((start, following))
    return found
