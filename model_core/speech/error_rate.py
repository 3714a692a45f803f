"""The character error rate of Korean transcripts, spaces and punctuation aside. It knows strings only."""

import re
from collections.abc import Sequence

_NOT_COUNTED = re.compile(r"[\s.,?!]+")


def letters(text: str) -> str:
    """Return `text` without spaces and punctuation, which do not count as errors."""
    return _NOT_COUNTED.sub("", text)


def edit_distance(reference: str, written: str) -> int:
    """Return the least substitutions, deletions and insertions between two texts. Source: Levenshtein 1966."""
    row = list(range(len(written) + 1))
    for i, letter in enumerate(reference, 1):
        diagonal, row[0] = row[0], i
        for j, other in enumerate(written, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (letter != other))
    return row[-1]


def character_error_rate(references: Sequence[str], written: Sequence[str]) -> float:
    """Return the edits of all texts over the letters of all references."""
    pairs = [(letters(a), letters(b)) for a, b in zip(references, written, strict=True)]
    return sum(edit_distance(a, b) for a, b in pairs) / max(sum(len(a) for a, _ in pairs), 1)
