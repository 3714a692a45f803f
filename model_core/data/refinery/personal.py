"""Personal data out of texts: who, where and every number that leads to somebody, replaced by placeholders.

[이름1] is the same person and [전화1] the same number in all texts of one conversation, whether written or spoken, and
particles stay attached ([전화1]이에요). Rather one number too many than one too few; amounts, dates and times stay.
Knows names only from their context (see `names`) and addresses only by their roads and numbers.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from model_core.data.korean.values import find_values
from model_core.data.refinery.digits import Group, digit_runs, spans_in_lines
from model_core.data.refinery.identifiers import identify_number
from model_core.data.refinery.names import find_names, name_spans

LABELS: Final = {
    "email": "이메일",
    "resident": "주민번호",
    "card": "카드",
    "phone": "전화",
    "licence": "면허",
    "account": "계좌",
    "passport": "여권",
    "car": "차량",
    "address": "주소",
    "name": "이름",
}
_PRIORITY: Final = {kind: rank for rank, kind in enumerate(LABELS)}
_PLACEHOLDER: Final = re.compile(r"\[(" + "|".join(LABELS.values()) + r")(\d+)\]")
_DICTATED: Final = frozenset(((3, 4, 4), (3, 3, 4), (2, 4, 4), (2, 3, 4), (4, 4, 4, 4), (6, 7)))
_CONTEXT_BEFORE, _CONTEXT_AFTER = 30, 15

_EMAIL: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._%+-]*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}")
_LETTER_NAME: Final = (
    "에이|비|씨|디|이|에프|지|에이치|아이|제이|케이|엘|엠|엔|오|피|큐|알|에스|티|유|브이|더블유|엑스|와이|제트|"
    "공|영|일|삼|사|육|칠|팔|구|점|언더바|하이픈"
)
_SPOKEN_EMAIL: Final = re.compile(
    rf"(?:(?:(?<![가-힣])(?:{_LETTER_NAME})+ )*[\w.-]+) ?(?:골뱅이|앳) ?[\w-]+"
    "(?: ?(?:점|쩜|닷) ?(?:컴|넷|씨오|케이알|오알지|com|net|co|kr))+"
)
_MASKED_RESIDENT: Final = re.compile(
    r"(?<!\d)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]) ?- ?[0-9](?:\*{3,6}|[xX○●]{3,6}|(?!\d))"
)
_PASSPORT: Final = re.compile(r"(?<![A-Za-z0-9])[MSRODGmsrodg](?:\d{8}|\d{3}[A-Za-z]\d{4})(?![A-Za-z0-9])")
_PLATE_LETTER: Final = "[가나다라마거너더러머버서어저고노도로모보소오조구누두루무부수우주하허호배바사아자]"
_PLATE: Final = re.compile(
    r"(?:(?<![가-힣])(?:서울|부산|대구|인천|광주|대전|울산|세종|경기|강원|충북|충남|전북|전남|경북|경남|제주) ?)?"
    rf"(?<![\d가-힣])\d{{2,3}} ?{_PLATE_LETTER} ?\d{{4}}(?!\d)"
)
_NUMERAL: Final = "[\\d일이삼사오육칠팔구십백천]"
_DIGIT: Final = r"[\d공영일이삼사오육륙칠팔구]"
_VALUE_HINT: Final = re.compile(
    rf"[가-힣](?:대로|로|길|동|리) ?{_NUMERAL}|{_NUMERAL} ?동 ?{_NUMERAL}|"
    rf"{_NUMERAL} ?{_PLATE_LETTER} ?{_DIGIT}(?: ?{_DIGIT}){{3}}"
)
# What the shapes of values leave out: a house number with the flat right behind it, and a lot number.
_WRITTEN_ADDRESS: Final = re.compile(
    r"(?<![가-힣])[가-힣]{1,10}(?:대로|로|길) ?(?:\d+번?길 ?)?\d+(?:-\d+)? \d+동 \d+호|"
    rf"(?<![가-힣])[가-힣]{{1,10}}(?:동|리) ?{_NUMERAL}+(?: ?(?:-|다시) ?{_NUMERAL}+)? ?번지"
)
_FLAT: Final = re.compile(rf",? ?(?:{_NUMERAL}+ ?동 ?)?{_NUMERAL}+ ?호(?!선|차|실)")
_PLACE: Final = re.compile(
    r"(?<![가-힣])(?:[가-힣]{1,6}(?:특별자치도|특별자치시|특별시|광역시|시|도|군|구|읍|면|동)|서울|부산|대구|인천|광주|대전|울산|세종|"
    r"경기|강원|충북|충남|전북|전남|경북|경남|제주) $"
)
_NOT_PLACE: Final = re.compile(
    "다시|혹시|잠시|역시|그래도|아마도|저도|나도|친구|하면|그러면|보면|되면|이면|정도|반드시|동시|즉시"
)


@dataclass(frozen=True)
class PersonalSpan:
    """Personal data at `text[start:end]`; `canonical` is equal for the spellings of one thing."""

    start: int
    end: int
    kind: str
    canonical: str


def find_personal(text: str, names: Iterable[str] = ()) -> list[PersonalSpan]:
    """Return the personal data of a text from left to right, without overlaps; no span crosses a line end.

    `names` are people known beforehand. Text that is inside a placeholder is left alone.
    """
    taken = [match.span() for match in _PLACEHOLDER.finditer(text)]
    found: list[PersonalSpan] = []
    # Stable: of two kinds at one place the rarer and more telling one wins, of one kind the longer span.
    for span in sorted(_candidates(text, names), key=lambda span: (_PRIORITY[span.kind], span.start - span.end)):
        if all(span.end <= start or end <= span.start for start, end in taken):
            taken.append((span.start, span.end))
            found.append(span)
    return sorted(found, key=lambda span: span.start)


def scrub(text: str, names: Iterable[str] = ()) -> tuple[str, Counter[str]]:
    """Return the text with placeholders for personal data, and how many places were replaced by kind."""
    numbers, last = _Numbering(text), 0
    counts: Counter[str] = Counter()
    parts: list[str] = []
    for span in find_personal(text, names):
        parts += [text[last : span.start], numbers.placeholder(span)]
        counts[span.kind] += 1
        last = span.end
    return "".join([*parts, text[last:]]), counts


def scrub_texts(texts: Sequence[str], names: Iterable[str] = ()) -> tuple[list[str], Counter[str]]:
    """Scrub texts that belong together (the turns of a call, its summary), with the same placeholders in all of them.

    A number that is dictated over several texts is found. The texts keep their number and order.
    """
    sizes = [text.count("\n") + 1 for text in texts]
    scrubbed, counts = scrub("\n".join(texts), names)
    lines = iter(scrubbed.split("\n"))
    return ["\n".join(next(lines) for _ in range(size)) for size in sizes], counts


def without_numbers(text: str) -> str:
    """Return a text whose placeholders tell kinds only: which number a person has depends on who stands before."""
    return _PLACEHOLDER.sub(r"[\1]", text)


class _Numbering:
    """The numbers of the placeholders of a text; those it holds already stay taken."""

    def __init__(self, text: str) -> None:
        self._last: Counter[str] = Counter()
        for match in _PLACEHOLDER.finditer(text):
            self._last[match[1]] = max(self._last[match[1]], int(match[2]))
        self._known: dict[tuple[str, str], str] = {}

    def placeholder(self, span: PersonalSpan) -> str:
        key = (span.kind, span.canonical)
        if key not in self._known:
            label = LABELS[span.kind]
            self._last[label] += 1
            self._known[key] = f"[{label}{self._last[label]}]"
        return self._known[key]


def _candidates(text: str, names: Iterable[str]) -> Iterator[PersonalSpan]:
    for kind, pattern in (("email", _EMAIL), ("email", _SPOKEN_EMAIL), ("resident", _MASKED_RESIDENT)):
        for match in pattern.finditer(text):
            yield PersonalSpan(match.start(), match.end(), kind, match[0].replace(" ", "").lower())
    for kind, pattern in (("passport", _PASSPORT), ("car", _PLATE)):
        for match in pattern.finditer(text):
            yield PersonalSpan(match.start(), match.end(), kind, match[0].replace(" ", "").upper())
    yield from _numbers(text)
    yield from _places(text)
    for start, end, name in name_spans(text, [*names, *find_names(text)]):
        yield PersonalSpan(start, end, "name", name)


def _numbers(text: str) -> Iterator[PersonalSpan]:
    phones: list[str] = []
    for run in digit_runs(text):
        first = 0
        while first < len(run):
            count, kind, canonical = _longest_number(text, run[first:])
            if kind == "phone":
                phones.append(canonical)
            for start, end in spans_in_lines(text, run[first : first + count]) if kind else ():
                yield PersonalSpan(start - (text[:start][-1:] == "+"), end, kind, canonical)
            first += max(count, 1)
    yield from _endings(text, phones)


def _longest_number(text: str, run: list[Group]) -> tuple[int, str, str]:
    """Return how many groups from the first one make the longest number that identifies, its kind and digits."""
    for count in range(len(run), 0, -1):
        groups = run[:count]
        if not _dictated_well(text, groups):
            continue
        joints = [text[one.end : two.start] for one, two in pairwise(groups)]
        context = text[max(0, groups[0].start - _CONTEXT_BEFORE) : groups[0].start]
        context += " " + text[groups[-1].end : groups[-1].end + _CONTEXT_AFTER]
        found = identify_number(
            tuple(group.digits for group in groups),
            context,
            hyphenated=len(joints) > 0 and all(joint.strip() == "-" for joint in joints),
        )
        if found:
            return count, *found
    return 0, "", ""


def _dictated_well(text: str, groups: list[Group]) -> bool:
    """Tell whether groups of more than one line have the sizes in which a number is dictated.

    A number and its repetition by the other one stand on lines of their own too.
    """
    if "\n" not in text[groups[0].end : groups[-1].start]:
        return True
    return tuple(len(group.digits) for group in groups) in _DICTATED


def _endings(text: str, phones: list[str]) -> Iterator[PersonalSpan]:
    """Yield the last four digits of a known phone number where they are called so (뒷자리 육칠팔구)."""
    by_ending = {phone[-4:]: phone for phone in phones}
    if not by_ending:
        return
    for run in digit_runs(text):
        digits = "".join(group.digits for group in run)
        before = text[max(0, run[0].start - 14) : run[0].start]
        if digits in by_ending and re.search("[뒷끝뒤] ?(?:자리|번호|네 ?자리)", before):
            for start, end in spans_in_lines(text, run):
                yield PersonalSpan(start, end, "phone", by_ending[digits])


def _places(text: str) -> Iterator[PersonalSpan]:
    offset = 0
    for line in text.split("\n"):
        if _VALUE_HINT.search(line):
            yield from _places_of_line(line, offset)
        offset += len(line) + 1


def _places_of_line(line: str, offset: int) -> Iterator[PersonalSpan]:
    spans = [match.span() for match in _WRITTEN_ADDRESS.finditer(line)]
    for value in find_values(line):
        if value.kind == "carno":
            yield PersonalSpan(offset + value.start, offset + value.end, "car", value.canonical)
        elif value.kind in ("address", "unit"):
            spans.append((value.start, value.end))
    last_end = 0
    for start, end in sorted(spans):
        if start < last_end:
            continue
        flat = _FLAT.match(line, end)
        last_end = flat.end() if flat else end
        start = _widened(line, start)
        yield PersonalSpan(offset + start, offset + last_end, "address", _place_spelling(line[start:last_end]))


def _widened(line: str, start: int) -> int:
    """Return where an address begins: with the province, city and district in front of its road."""
    while (match := _PLACE.search(line, 0, start)) and not _NOT_PLACE.fullmatch(match[0].strip()):
        start = match.start()
    return start


def _place_spelling(place: str) -> str:
    """Return an address in one spelling, whether its numbers are spoken or written."""
    canonical, last = [], 0
    for value in find_values(place):
        canonical += [place[last : value.start], value.canonical]
        last = value.end
    return re.sub("[ ,]", "", "".join([*canonical, place[last:]]))
