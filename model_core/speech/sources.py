"""The call speech that training hears: turns of the simulator's training scripts, as they are spoken.

It knows the simulator's door and what the speech model can write; it does not know scripts or slots.
"""

import re
from collections.abc import Iterator

from model_core.data.simulator.expand import speech_texts

MAX_LETTERS = 90
_KEPT = re.compile(r"[가-힣 .,?]+")


def call_texts(seed: int, split: str = "train") -> Iterator[str]:
    """Yield spoken turns without end, those of plain Hangul with . , ? and at most 90 letters."""
    for text in speech_texts(seed, split=split):
        plain = text.replace("!", ".").strip()
        if len(plain) <= MAX_LETTERS and _KEPT.fullmatch(plain):
            yield plain
