"""The clauses of a spoken line, as a summary quotes them: less what opens them and less their last mark.

It knows one line's words, and nothing of values, summaries or tokens.
"""

import re
from typing import Final

from model_core.data.korean.word_lists import word_list

MAX_WORDS: Final = 26
_SHORT: Final = 3
_END: Final = re.compile(r"[.,?!]$")
_LAST_MARK: Final = re.compile(r"\s*[.,!]+$")
_OPENERS: Final = word_list("openers")
# What may follow a value; a longer tail belongs to the clause's verb and is left out.
TAILS: Final = word_list("tails")


def clauses(line: str) -> list[str]:
    """Return the clauses of a line in their order, none empty."""
    words, found, first = line.split(), [], 0
    for last in range(1, len(words) + 1):
        if last == len(words) or (_END.search(words[last - 1]) and last - first >= _SHORT):
            found.append(_less_openers(words[first:last]))
            first = last
    return [clause for clause in found if clause]


def less_last_mark(text: str) -> str:
    """Return a text without the marks at its end that a statement does not need; a question keeps its own."""
    return _LAST_MARK.sub("", text)


def _less_openers(words: list[str]) -> str:
    while len(words) > 1 and words[0].rstrip(".,?!") in _OPENERS:
        words = words[1:]
    return less_last_mark(" ".join(words[:MAX_WORDS]))
