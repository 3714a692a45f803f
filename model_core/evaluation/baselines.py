"""Summaries without a model, to compare with: the first sentences of a call, and its most central ones (TextRank).

Both return whole lines of the call, up to a length. They know lines and no summaries.
"""

import math
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import numpy as np

from model_core.data.call import Line

Baseline = Callable[[Sequence[Line], int], str]
DAMPING: Final = 0.85
ROUNDS: Final = 60
_WORD: Final = re.compile(r"[\w%]+")


def first_sentences(lines: Sequence[Line], max_chars: int) -> str:
    """Return the first lines of a call, until `max_chars` characters are reached."""
    return " ".join(_until(range(len(lines)), lines, max_chars))


def text_rank(lines: Sequence[Line], max_chars: int) -> str:
    """Return the most central lines in their order, until `max_chars` characters are reached.

    Lines vote for those that share words with them. Source: Mihalcea and Tarau 2004, section 4; words are compared by
    their first two syllables, which Korean endings leave alone.
    """
    ranks = _page_rank(_similarity([_stems(line.text) for line in lines]))
    best = sorted(range(len(lines)), key=lambda number: (-ranks[number], number))
    kept = set(_until(best, lines, max_chars))
    return " ".join(line.text for line in lines if line.text in kept)


BASELINES: Final[dict[str, Baseline]] = {"first sentences": first_sentences, "TextRank": text_rank}


def _until(order: Iterable[int], lines: Sequence[Line], max_chars: int) -> list[str]:
    kept: list[str] = []
    for number in order:
        if sum(map(len, kept)) >= max_chars:
            break
        kept.append(lines[number].text)
    return kept


def _stems(text: str) -> frozenset[str]:
    return frozenset(word[:2] for word in _WORD.findall(text) if len(word) > 1)


def _similarity(stems: Sequence[frozenset[str]]) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    size = len(stems)
    links_NN = np.zeros((size, size))
    for row in range(size):
        for column in range(row):
            length = math.log(len(stems[row]) + 1) + math.log(len(stems[column]) + 1)
            shared = len(stems[row] & stems[column])
            links_NN[row, column] = links_NN[column, row] = shared / length if shared else 0.0
    return links_NN


def _page_rank(links_NN: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> list[float]:
    sums_N = links_NN.sum(axis=0)
    flow_NN = links_NN / np.where(sums_N > 0, sums_N, 1.0)
    ranks_N = np.ones(len(links_NN))
    for _ in range(ROUNDS):
        ranks_N = (1 - DAMPING) + DAMPING * flow_NN @ ranks_N
    return [float(rank) for rank in ranks_N]
