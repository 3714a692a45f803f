"""Summaries in the call's own words: every statement of a reference is exchanged for the clauses of its lines.

References written by hand use words of their own choice, and with a few hundred scripts a small model learns those by
heart instead of reading. Which line matters, and which clause of it, is learned from the references; what is said about
it is then the call's own. It knows lines and summaries, no tokens and no scripts.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from model_core.data.call import VALUE_CLOSE, VALUE_OPEN, Action, Item, Line, Summary, Topic, plain
from model_core.data.korean.repairs import Span, taken_back
from model_core.data.korean.values import find_values

MAX_WORDS: Final = 20
_SHORT: Final = 3
_MARKED: Final = re.compile(f"{VALUE_OPEN}(.*?){VALUE_CLOSE}")
_WORD: Final = re.compile(r"[가-힣A-Za-z0-9]{2,}")
_CLAUSE_END: Final = re.compile(r"[.,?!]$")
_OPENERS: Final = frozenset(
    [
        "네",
        "네네",
        "예",
        "아",
        "아이고",
        "음",
        "어",
        "야",
        "저기",
        "그럼",
        "그러면",
        "근데",
        "그런데",
        "그니까",
        "그러니까",
        "그게",
        "그래서",
        "그리고",
        "일단",
        "혹시",
        "응",
        "글쎄",
        "아유",
        "에이",
        "와",
        "헉",
        "자",
        "저기요",
        "여보세요",
        "고객님",
        "아니",
        "아니다",
        "아니요",
        "죄송합니다",
        "죄송해요",
        "죄송하지만",
        "미안",
        "잠시만요",
        "안녕하세요",
    ]
)
# What may follow a value; a longer tail belongs to the clause's verb and is left out.
_TAILS: Final = frozenset(
    [
        "은",
        "는",
        "이",
        "가",
        "을",
        "를",
        "에",
        "에서",
        "으로",
        "로",
        "까지",
        "까지만",
        "까지는",
        "부터",
        "도",
        "만",
        "와",
        "과",
        "의",
        "이나",
        "나",
        "씩",
        "랑",
        "이랑",
        "하고",
        "에는",
        "에도",
        "에서는",
        "보다",
        "용",
        "님",
        "라고",
        "이라고",
        "인데",
        "정도",
    ]
)


# Words that say what kind of call it was; the rest of a title has to come from the call.
_TITLE_WORDS: Final = frozenset(
    [
        "문의",
        "요청",
        "신청",
        "상담",
        "안내",
        "확인",
        "접수",
        "예약",
        "변경",
        "취소",
        "환불",
        "교환",
        "반품",
        "해지",
        "가입",
        "결제",
        "배송",
        "지연",
        "방문",
        "수리",
        "점검",
        "고장",
        "불량",
        "오류",
        "견적",
        "주문",
        "조정",
        "일정",
        "연락",
        "부탁",
        "약속",
        "제출",
        "발급",
        "신고",
        "청구",
        "이의",
        "등록",
        "연장",
        "불만",
        "항의",
        "준비",
        "보고",
        "통보",
        "추가",
        "진행",
        "조치",
        "일정",
        "시간",
        "비용",
        "요금",
        "날짜",
        "장소",
        "대안",
        "절차",
        "서류",
        "내용",
        "상황",
        "사유",
        "원인",
        "증상",
        "계획",
        "방법",
        "처리",
        "보상",
        "재방문",
        "및",
        "후",
        "관련",
    ]
)


def _bare(word: str) -> str:
    """Return a word without what may follow a noun."""
    word = word.rstrip(".,?!")
    return next((word[:-size] for size in (3, 2, 1) if len(word) > size + 1 and word[-size:] in _TAILS), word)


def _title_words(title: str) -> Iterator[str]:
    """Yield the words of a title, a marked value with what is joined to it as one."""
    yield from (match.group() for match in re.finditer(rf"(?:{VALUE_OPEN}.*?{VALUE_CLOSE}|\S)+", title))


@dataclass(frozen=True)
class _Clause:
    """Words `first` to `last` (exclusive) of a line, and how much of a statement they say."""

    line: int
    first: int
    last: int
    values: frozenset[str]
    shared: int

    @property
    def score(self) -> int:
        return 3 * len(self.values) + self.shared


def quoted(summary: Summary, lines: Sequence[Line]) -> Summary:
    """Return `summary` with points, actions, decisions and headline in words of the lines they cite.

    Titles keep the words that the call holds or that any title may have.
    """
    quoter = _Quoter(lines)
    return replace(
        summary,
        title=quoter.title(summary.title),
        one_line=quoter.item(summary.one_line, clauses=3),
        topics=tuple(
            Topic(quoter.title(topic.title), tuple(quoter.item(point, clauses=2) for point in topic.points))
            for topic in summary.topics
        ),
        actions=tuple(quoter.action(action) for action in summary.actions),
        decisions=tuple(quoter.item(decision, clauses=2) for decision in summary.decisions),
    )


class _Quoter:
    def __init__(self, lines: Sequence[Line]) -> None:
        self._words = [line.text.split() for line in lines]
        self._said = {_bare(word) for words in self._words for word in words}

    def title(self, title: str) -> str:
        kept = [word for word in _title_words(title) if self._may_stand(word)]
        return " ".join(kept).rstrip(", ") or title

    def _may_stand(self, word: str) -> bool:
        bare = _bare(word)
        return VALUE_OPEN in word or bare in _TITLE_WORDS or bare in self._said

    def item(self, item: Item, clauses: int) -> Item:
        return Item(self._quote(item.text, item.evidence, clauses) or item.text, item.evidence)

    def action(self, action: Action) -> Action:
        return replace(action, what=self._quote(action.what, action.evidence, 1) or action.what)

    def _quote(self, text: str, evidence: Sequence[int], most: int) -> str:
        """Return the clauses of the lines that say most of `text`, in the call's order; the longest when none does."""
        wanted = list(dict.fromkeys(_MARKED.findall(text)))
        found = [clause for number in evidence for clause in self._clauses(number - 1, wanted, text)]
        chosen: list[_Clause] = []
        said: set[str] = set()
        for clause in sorted(found, key=lambda clause: (-clause.score, clause.first - clause.last)):
            new = clause.values - said
            words = sum(one.last - one.first for one in chosen) + clause.last - clause.first
            if not chosen or (new and len(chosen) < most and words <= MAX_WORDS):
                chosen.append(clause)
                said |= clause.values
        chosen.sort(key=lambda clause: (clause.line, clause.first))
        parts = filter(None, (self._written(clause, wanted) for clause in chosen))
        return ", ".join(parts).replace("?,", "?")

    def _clauses(self, line: int, wanted: Sequence[str], text: str) -> Iterator[_Clause]:
        words = self._words[line]
        stems = {word[: max(2, len(word) - 1)] for word in _WORD.findall(plain(text))}
        first = 0
        for last in range(1, len(words) + 1):
            if last < len(words) and not (_CLAUSE_END.search(words[last - 1]) and last - first >= _SHORT):
                continue
            said = " ".join(words[first:last])
            values = frozenset(value for value in wanted if value in said)
            yield _Clause(line, first, last, values, sum(stem in said for stem in stems))
            first = last

    def _written(self, clause: _Clause, wanted: Sequence[str]) -> str:
        """Return the clause's text with its values marked, less openers, repaired values and the last mark."""
        words = self._words[clause.line][clause.first : clause.last]
        while words and words[0].rstrip(".,?!") in _OPENERS:
            words = words[1:]
        text = " ".join(words[: MAX_WORDS + 6])
        return _with_marks(text, _spans(text, wanted))


def _spans(text: str, wanted: Sequence[str]) -> list[Span]:
    """Return the values of a text, those that are wanted and all figures, none inside another."""
    figures = [(value.start, value.end) for value in find_values(text)]
    named = [(start, start + len(value)) for value in wanted if (start := text.find(value)) >= 0]
    taken: list[Span] = []
    for start, end in sorted({*figures, *named}, key=lambda span: span[0] - span[1]):
        if all(end <= other[0] or start >= other[1] for other in taken):
            taken.append((start, end))
    return sorted(taken)


def _with_marks(text: str, values: Sequence[Span]) -> str:
    """Return the text with its values marked, less what was taken back, the values' longer tails and the last mark."""
    back = dict(taken_back(text, values))
    parts: list[str] = []
    at = 0
    for start, end in values:
        parts.append(text[at:start])
        at = end
        if start in back:
            at = back[start]
            continue
        parts.append(f" {VALUE_OPEN}{text[start:end]}{VALUE_CLOSE}")
        tail = text[at:].split(" ", 1)[0]
        bare = tail.rstrip(".,?!")
        parts.append(tail if not bare or bare in _TAILS else tail[len(bare) :])
        at += len(tail)
    parts.append(text[at:])
    written = " ".join("".join(parts).split())
    return re.sub(r"\s*[.,!]+$", "", written)
