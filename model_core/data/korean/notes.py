"""Spoken clauses as notes: nominal endings (보낼게요 → 보내기로 함), figures as they are written (오만 원 → 5만 원).

Rules over the last word of a clause, and no dictionary of stems: an ending that no rule knows stays as it was said. It
knows text with value marks, and nothing of calls or summaries.
"""

import re
from collections.abc import Callable
from typing import Final

from model_core.data.call import VALUE_CLOSE, VALUE_OPEN
from model_core.data.korean.jamo import compose, split
from model_core.data.korean.josa import is_syllable
from model_core.data.korean.names import looks_like_name
from model_core.data.korean.promises import STATES
from model_core.data.korean.values import FoundValue, find_values, normalized_display, same_value

_MARKED: Final = re.compile(f"{VALUE_OPEN}(.*?){VALUE_CLOSE}")
_CLAUSE_END: Final = re.compile(r"([,?.])(?= |$)")
# Verbs whose stem keeps its ㄹ before -게요; all others are read as ending in a vowel.
_KEEPS_RIEUL: Final = ("만들", "걸", "팔", "열", "풀", "돌", "놀", "알", "빌")
# What a recognizer cuts off its verb: 접수할 게요, 나갑 니다.
_CUT_OFF: Final = re.compile(r"(?<=[가-힣]) (?=(?:습?니다|[게께]요|세요|네요|데요|거든요|어요|예요|에요|요)$)")
_KEPT_WORDS: Final = frozenset(("하루", "이틀", "사흘", "나흘", "닷새", "엿새", "열흘", "보름"))
_NO_VERBS: Final = frozenset(("안녕하세요", "여보세요", "수고하세요", "들어가세요", "계세요", "그런데요", "아니요"))
_SO: Final = ("그렇", "이렇", "저렇", "어떻")
# With -겠- a wish, and nothing that anybody will do: 보내 주시면 고맙겠습니다.
_WISHES: Final = ("좋", "고맙", "감사하")
# What a contracted vowel comes from: 걸려 of 걸리, 바꿔 of 바꾸, 봐 of 보, 돼 of 되.
_UNCONTRACTED: Final = {"ㅕ": "ㅣ", "ㅝ": "ㅜ", "ㅘ": "ㅗ", "ㅙ": "ㅚ"}
_FROM_EU: Final = {"써": "쓰", "꺼": "끄", "커": "크", "떠": "뜨"}
_IRREGULAR: Final = {"몰라": "모름", "아니에": "아님", "아니예": "아님", "그래": "", "글쎄": ""}
_SPOKEN_KINDS: Final = frozenset(
    ("money", "phone", "time", "date", "duration", "count", "percent", "measure", "number", "digits", "unit", "carno")
)
_VERBAL: Final = re.compile(r"(?:하|되|됐|했|이|입|예|에)[가-힣]*(?:요|다|데|고|서|면|게|지|는)$|요$")
_WHERE: Final = re.compile(r"(?<=[가-힣]{2})(?:에서|에게|한테|까지|부터|에)$")
PLAN: Final = "예정"
Rewrite = Callable[[re.Match[str]], str | None]


def as_note(text: str) -> str:
    """Return a statement of spoken clauses, with or without value marks, as a note."""
    parts = _CLAUSE_END.split(_with_figures(text))
    clauses, marks = parts[0::2], [*parts[1::2], ""]
    noted = [_noted(clause, mark) for clause, mark in zip(clauses, marks, strict=True) if clause.strip()]
    return " ".join("".join(noted).split()).rstrip(", ")


def as_title(text: str) -> str:
    """Return a title of nouns: figures as they are written, verbs less their endings or left out, no word twice."""
    words = [word.strip(",") for word in _with_figures(text).split()]
    nouns = dict.fromkeys(filter(None, map(_as_noun, words)))
    return " ".join(nouns) or " ".join(words)


def _as_noun(word: str) -> str:
    """Return 충전 of 충전하는데요, 전날 of 전날까지 and 교정 of 교정이요; nothing of a word that names nothing."""
    if VALUE_OPEN in word or VALUE_CLOSE in word:
        return word
    word = _WHERE.sub("", word)
    if looks_like_name(word):
        return word
    stem = _VERBAL.sub("", word)
    return stem if looks_like_name(stem) else ""


def nominal(stem: str) -> str:
    """Return a verb's stem with -(으)ㅁ: 하 → 함, 있 → 있음, 만들 → 만듦."""
    if not stem or not is_syllable(stem[-1]):
        return stem
    initial, vowel, final = split(stem[-1])
    if final == " ":
        return stem[:-1] + compose(initial, vowel, "ㅁ")
    return stem[:-1] + compose(initial, vowel, "ㄻ") if final == "ㄹ" else f"{stem}음"


def _noted(clause: str, mark: str) -> str:
    head, blank, last = _CUT_OFF.sub("", clause).rpartition(" ")
    if VALUE_CLOSE in last:
        inside, close, last = last.rpartition(VALUE_CLOSE)
        head, blank = head + blank + inside + close, ""
    if last not in _NO_VERBS:
        for pattern, rewrite in _QUESTIONS if mark == "?" else _STATEMENTS:
            match = pattern.match(last)
            noted = match and rewrite(match)
            if noted:
                return head + blank + _planned(head, noted) + ("," if mark else "")
    return clause + mark


def _planned(head: str, noted: str) -> str:
    """Return -ㄹ 예정 for what is to come, 것임 for what is (받는 거고요)."""
    before = (head + noted.removesuffix(PLAN)).rstrip()
    to_come = bool(before) and is_syllable(before[-1]) and split(before[-1])[2] == "ㄹ"
    return noted if to_come or not noted.endswith(PLAN) else noted.removesuffix(PLAN) + "것임"


def _with_figures(text: str) -> str:
    """Return the text with figures as a careful writer shows them, and marks only on these and on names."""
    parts, at = [], 0
    for match in _MARKED.finditer(text):
        value = _written(match[1])
        kept = find_values(match[1]) or looks_like_name(match[1])
        parts += [_written(text[at : match.start()]), f"{VALUE_OPEN}{value}{VALUE_CLOSE}" if kept else value]
        at = match.end()
    return "".join([*parts, _written(text[at:])])


def _written(text: str) -> str:
    parts, at = [], 0
    for value in find_values(text):
        parts += [text[at : value.start], _shown(value)]
        at = value.end
    return "".join([*parts, text[at:]])


def _shown(value: FoundValue) -> str:
    if value.kind not in _SPOKEN_KINDS or value.text in _KEPT_WORDS:
        return value.text
    shown = _WRITERS.get(value.kind, normalized_display)(value)
    again = find_values(shown)
    # What the finder would read otherwise is left as it was said.
    return shown if len(again) == 1 and same_value(again[0], value) else value.text


def _hours(value: FoundValue) -> str:
    """Return a time of day as 오후 3시 30분."""
    shown = normalized_display(value)
    return re.sub(r"(\d+):(\d\d)$", lambda m: f"{m[1]}시" + (f" {int(m[2])}분" if int(m[2]) else ""), shown)


def _in_units(value: FoundValue) -> str:
    """Return an amount in 억, 만 and 원: 3억 1,000만 원, 54,000원; a large number likewise."""
    match = re.fullmatch(r"(\d+)(원?)", value.canonical)
    if not match:
        return value.text
    large, rest = divmod(int(match[1]), 10**8)
    ten_thousands, ones = divmod(rest, 10**4)
    small = f"{rest:,}" if ones else f"{ten_thousands:,}만" if rest else ""
    shown = " ".join(filter(None, (f"{large:,}억" if large else "", small))) or "0"
    return f"{shown}{match[2]}" if shown[-1].isdigit() or not match[2] else f"{shown} {match[2]}"


_WRITERS: Final = {"money": _in_units, "number": _in_units, "time": _hours}


def _less_final(stem: str, final: str) -> str | None:
    """Return a stem without the final consonant of its last syllable, None where it has another."""
    if not stem or not is_syllable(stem[-1]):
        return None
    initial, vowel, found = split(stem[-1])
    return stem[:-1] + compose(initial, vowel) if found == final else None


def _promise(match: re.Match[str]) -> str | None:
    stem = match[1]
    if stem.endswith("을"):
        stem = stem[:-1]
    elif not stem.endswith(_KEEPS_RIEUL):
        stem = _less_final(stem, "ㄹ") or ""
    return f"{stem}기로 함" if stem else None


def _will(match: re.Match[str]) -> str | None:
    known = {"알": "알겠음", "모르": "모름", "되": "됨", "있": "있음", "없": "없음"}
    if match[1].endswith(_WISHES):
        return f"{match[1]}겠음"
    if match[1].endswith("야"):
        return f"{match[1]} 함"
    return known.get(match[1]) or (f"{match[1]}기로 함" if match[1] else None)


def _formal(match: re.Match[str]) -> str | None:
    """합니다 → 함: the ㅂ of -ㅂ니다 gives way to ㅁ."""
    stem = _less_final(match[1], "ㅂ")
    return nominal(stem) if stem else None


def _of_stem(match: re.Match[str]) -> str | None:
    """하거든요 → 함: endings that leave the stem as it is."""
    return nominal(match[1]) if match[1] and not match[1].endswith(_SO) else None


def _adnominal(match: re.Match[str]) -> str | None:
    """큰데요 → 큼: endings that put ㄴ under the stem."""
    stem = match[1][:-1] if match[1].endswith("은") else _less_final(match[1], "ㄴ")
    return nominal(stem) if stem else None


def _past(match: re.Match[str]) -> str | None:
    return f"{match[1]}음" if match[1] and split(match[1][-1])[2] == "ㅆ" else None


def _present(match: re.Match[str]) -> str | None:
    """받아요 → 받음, 걸려요 → 걸림, 와요 → 옴, 해요 → 함."""
    word = match[1]
    if word in _IRREGULAR or not word or not is_syllable(word[-1]):
        return _IRREGULAR.get(word)
    if word[-1] in "아어" and len(word) > 1 and is_syllable(word[-2]) and split(word[-2])[2] not in " ㄹ":
        return nominal(word[:-1])
    if word[-1] in _FROM_EU:
        return nominal(word[:-1] + _FROM_EU[word[-1]])
    initial, vowel, final = split(word[-1])
    if final != " ":
        return None
    if word[-1] == "해":
        return nominal(f"{word[:-1]}하")
    if vowel in _UNCONTRACTED:
        return nominal(word[:-1] + compose(initial, _UNCONTRACTED[vowel]))
    return nominal(word) if vowel in "ㅏㅐ" and initial != "ㅇ" else None


def _whether(match: re.Match[str]) -> str | None:
    return f"{match[1]}는지 문의" if match[1] else None


def _copula(match: re.Match[str]) -> str | None:
    return "아님" if match[1] == "아니" else f"{match[1]}임"


def _copula_question(match: re.Match[str]) -> str | None:
    return f"{match[1]}인지 문의"


def _could(match: re.Match[str]) -> str | None:
    stem = f"{match[1][:-1]}을" if match[1].endswith("을") else match[1]
    return f"{stem}지 문의" if _less_final(stem, "ㄹ") else None


def _rules(*rows: tuple[str, Rewrite]) -> tuple[tuple[re.Pattern[str], Rewrite], ...]:
    return tuple((re.compile(f"(?:{pattern})$"), rewrite) for pattern, rewrite in rows)


def _wants(match: re.Match[str]) -> str | None:
    """할래요 → 하겠다고 함, 오래요 → 오라고 함."""
    stem = _less_final(match[1], "ㄹ")
    return f"{stem}겠다고 함" if stem else f"{match[1]}라고 함" if match[1] else None


def _said(tail: str) -> Rewrite:
    """Return a rewrite to what precedes the ending, with `tail`; none where nothing does."""
    return lambda match: f"{match[1]}{tail}" if match[1] else None


def _asked_past(match: re.Match[str]) -> str | None:
    return f"{match[1]}는지 문의" if match[1] and split(match[1][-1])[2] in "ㅆㅄ" else None


# The first rule whose pattern fits and that gives a word counts.
_STATEMENTS: Final = _rules(
    (r"(.*?)주(?:세요|십시오|셔야 돼요|시겠어요|시겠습니까)", lambda m: f"{m[1]} 달라고 함".lstrip()),
    (r"(.*?)겠(?:습니다|어요|어|네요|는데요|고요)", _will),
    (r"(.*?)(?:게요|께요|게)", _promise),
    (r"(.*?)(?:거예요|거에요|겁니다|거야|거거든요|거고요)", lambda m: f"{m[1]} {PLAN}".lstrip()),
    (r"(.*?)려(?:고요|구요|는데요)", _said("려고 함")),
    (r"(.*?)(?:더라고요|더라구요|는대요)", _of_stem),
    (r"(.*?)(?:대요|댔어요)", _said("다고 함")),
    (r"(.*?)래요", _wants),
    (r"(.*?)라(?:고요|던데요)", _said("라고 함")),
    (r"(.*?)(?:했습니다|하였습니다)", lambda m: f"{m[1]}함"),
    (r"(.*?)(?:됐습니다|되었습니다|됐어요|됐고요|됐네요|됐거든요)", lambda m: f"{m[1]}됨"),
    (r"(.*?)(?:이에요|예요|에요|이거든요|인데요|이고요|이네요|이세요|인데|이죠|이었습니다|입니다)", _copula),
    (r"(.*?)습니다", _of_stem),
    (r"(.*?)니다", _formal),
    (r"(.*?)(?:거든요|거든|잖아요|잖아|네요|고요|구요|지요|죠)", _of_stem),
    (r"(.*?)(?:는데요|는데|던데요)", _of_stem),
    (r"(.*?)데요", _adnominal),
    (r"(.*?)까요", _could),
    (r"(.*?)어떠(?:세요|십니까)", lambda m: f"{m[1]}어떤지 문의"),
    (rf"(.*?(?:{STATES}|계))세요", _said("심")),
    (r"(.*?)(?:세요|십시오)", _said("라고 함")),
    (r"(.*?)(?:어요|어)", _past),
    (r"(.*(?:서|니까|면|만|도|은|는|까지|부터|에|에서|로|정도|쯤|명|개|번|원|분|시|일|날|것))요", _said("")),
    (r"(.*?)요", _present),
)
_QUESTIONS: Final = _rules(
    (r"(.*?)주(?:세요|시겠어요|시겠습니까|실래요)", lambda m: f"{m[1]} 달라고 함".lstrip()),
    (r"(.*?)까요", _could),
    (r"(.*?)(?:인가요|이에요|예요|이죠|입니까)", _copula_question),
    (r"(.*?)(?:나요|습니까|는가요)", _whether),
    (r"(.*(?:있|없|되시|하시|오시|가시))(?:으세요|세요|죠|지요)", _whether),
    (r"(.*?)어요", _asked_past),
    (r"(.*?)(?:돼요|되죠|됩니까)", lambda m: f"{m[1]}되는지 문의"),
    (r"(.*?)하(?:죠|세요|시나요)", lambda m: f"{m[1]}하는지 문의"),
)
