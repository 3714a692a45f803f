"""A summary made of the transcript's own sentences, for calls that the model does not understand.

Turns are ranked by how central their words are to the call (PageRank over shared two-syllable pieces; Source:
Mihalcea and Tarau, TextRank, 2004), and by whether they hold a figure or a date. Nothing is written that was not said.
"""

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

from model_core.data.korean.values import find_values, normalized_display
from workers.contracts.summary import CallSummary, Statement, Topic, Value
from workers.contracts.transcript import Segment

MAX_SENTENCES = 5
MIN_LETTERS = 6
DAMPING = 0.85
VALUE_BONUS = 0.35
_WORD = re.compile(r"[0-9A-Za-z가-힣]{2,}")
_COMMON = (
    "네네",
    "그래",
    "그러",
    "아니",
    "감사",
    "안녕",
    "여보",
    "있어",
    "있습",
    "합니다",
    "습니다",
    "해요",
    "저희",
    "제가",
    "지금",
    "그냥",
    "이제",
)


def extract(segments: Sequence[Segment]) -> CallSummary:
    """Return an extractive summary of `segments`; they hold at least one word."""
    chosen = _chosen(segments)
    words = _keywords(segments)
    points = tuple(_statement(segment) for segment in chosen)
    headline = max(points, key=lambda point: (len(point.values), len(point.text)))
    return CallSummary(
        title=" · ".join(words[:3]) or headline.text[:30],
        one_line=headline,
        topics=(Topic(title=words[0] if words else "통화 내용", points=points),),
        method="extractive",
    )


def nobody_spoke() -> CallSummary:
    """Return the summary of a call in which nothing was said."""
    return CallSummary(title="음성 없음", one_line=Statement(text="통화에서 말한 사람이 없습니다."), method="empty")


def _statement(segment: Segment) -> Statement:
    values = tuple(
        Value(text=value.text, kind=value.kind, normalized=normalized_display(value))
        for value in find_values(segment.text)
    )
    return Statement(text=segment.text, evidence=(segment.number,), values=values)


def _chosen(segments: Sequence[Segment]) -> list[Segment]:
    worthy = [s for s in segments if len("".join(_WORD.findall(s.text))) >= MIN_LETTERS] or list(segments)
    scores = _centrality([_pieces(segment.text) for segment in worthy])
    scores = scores * (1 + VALUE_BONUS * np.array([min(2, len(find_values(s.text))) for s in worthy]))
    best = sorted(np.argsort(-scores, kind="stable")[:MAX_SENTENCES])
    return [worthy[index] for index in best]


def _pieces(text: str) -> frozenset[str]:
    return frozenset(word[:2] for word in _WORD.findall(text) if not word.startswith(_COMMON))


def _centrality(pieces: Sequence[frozenset[str]]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    count = len(pieces)
    links_NN = np.array(
        [
            [len(a & b) / (np.log(len(a) + 2) + np.log(len(b) + 2)) if a is not b else 0.0 for b in pieces]
            for a in pieces
        ]
    )
    sums_N = links_NN.sum(axis=1, keepdims=True)
    flow_NN = np.divide(links_NN, sums_N, out=np.full_like(links_NN, 1 / count), where=sums_N > 0)
    rank_N = np.full(count, 1 / count)
    for _ in range(50):
        rank_N = (1 - DAMPING) / count + DAMPING * flow_NN.T @ rank_N
    return rank_N


def _keywords(segments: Sequence[Segment]) -> list[str]:
    counts: Counter[str] = Counter()
    for segment in segments:
        counts.update({word for word in _WORD.findall(segment.text) if not word.startswith(_COMMON)})
    return [word for word, count in counts.most_common(6) if count > 1]


def mostly_korean(segments: Sequence[Segment]) -> bool:
    """Tell whether at least half of the letters are Hangul: what a model that has read nothing else can summarize."""
    letters = [char for segment in segments for char in segment.text if char.isalpha()]
    return 2 * sum("가" <= char <= "힣" for char in letters) >= len(letters)
