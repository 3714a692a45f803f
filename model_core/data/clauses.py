"""The clauses of a spoken line, as a summary quotes them: less what opens them and less their last mark.

It knows one line's words, and nothing of values, summaries or tokens.
"""

import re
from typing import Final

MAX_WORDS: Final = 26
_SHORT: Final = 3
_END: Final = re.compile(r"[.,?!]$")
_LAST_MARK: Final = re.compile(r"\s*[.,!]+$")
_OPENERS: Final = frozenset((
    "네 네네 예 아 아이고 음 어 야 저기 그럼 그러면 근데 그런데 그니까 그러니까 그게 그래서 그리고 일단 혹시 응 글쎄 아유 에이 와 헉 자 저기요 여보세요 고객님 아니 아니다 아니요 "
    "죄송합니다 죄송해요 죄송하지만 미안 잠시만요 안녕하세요"
).split())
# What may follow a value; a longer tail belongs to the clause's verb and is left out.
TAILS: Final = frozenset((
    "은 는 이 가 을 를 에 에서 으로 로 까지 까지만 까지는 부터 도 만 와 과 의 이나 나 씩 랑 이랑 하고 에는 에도 에서는 보다 용 님 라고 이라고 인데 정도"
).split())


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
    while words and words[0].rstrip(".,?!") in _OPENERS:
        words = words[1:]
    return less_last_mark(" ".join(words[:MAX_WORDS]))
