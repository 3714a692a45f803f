"""Names of people in conversation: found where something names them as such, then everywhere in the same text.

김민수 is taken for a name beside 고객님, 성함이 or 라고 합니다, never for its look alone: 이미지 and 주소지 look the
same. Names that are known beforehand (from the record of a call) are given. The word lists stand in `names.toml`. Knows
no names of companies and places.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

_LISTS: Final[dict[str, Any]] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
_LONG_SURNAMES: Final = tuple(_LISTS["long_surnames"].split())
_SURNAMES: Final = "".join(_LISTS["surnames"].split())
_GIVEN_SET: Final = "[" + "".join(sorted(set(_LISTS["given"]) - {"\n"})) + "]"
_FULL: Final = rf"(?:(?:{'|'.join(_LONG_SURNAMES)})|[{_SURNAMES}]){_GIVEN_SET}{{2}}"
_SHORT: Final = rf"(?:(?:{'|'.join(_LONG_SURNAMES)})|[{_SURNAMES}]){_GIVEN_SET}{{1,2}}"
_TITLE: Final = "|".join(_LISTS["titles"].split())
_ROLE: Final = "|".join(_LISTS["cues"]).replace(" ", " ?")
_AS_NAMED: Final = "(?:이라고|라고|입니다|이에요|예요|인데요|이고요|이요|이야|이구요|이라는|이거든요|이신)"
_SAID: Final = "(?:이라고 ?(?:합니다|하는데|해요|하고|해|하는)|입니다|이라는 ?사람)"
_BEFORE: Final = r"(?<![가-힣])"
_AFTER: Final = (
    r"(?=$|[^가-힣]|이?(?:에게|한테|께|랑|하고)|(?:이|가|은|는|을|를|과|와|의|도|만|으로|로|님|씨|이요|요|예요|이에요|"
    "입니다|인데|이라|라고|이고|고[, ]|이네|였|이었|네요|한테|에게|랑|하고|"
    "이야|야|아|이나|부터|까지|께서|이랑|보고|맞|고객|본인|앞|명의|이세|이신|이시))"
)
_CALLED: Final = "(?=야|아[ ,.!?~]| ?씨|이가 |이는 |이랑|이한테| ?님|이도 |이 ?엄마|이 ?아빠)"
_CUES: Final = (
    re.compile(rf"{_BEFORE}(?P<name>{_SHORT}) ?(?:{_TITLE})(?![가-힣]{{0,2}}적)"),
    re.compile(rf"(?:{_ROLE})(?:님|분)?(?:이|은|는|가|이요)? ?:? ?(?:저는 |제가 )?(?P<name>{_FULL}){_AFTER}"),
    re.compile(rf"(?:저는|제가|전|여기|나는|나|난|제 이름은) (?P<name>{_FULL}){_AS_NAMED}"),
    re.compile(rf"{_BEFORE}(?P<name>{_FULL}){_SAID}"),
    # Only people are given things with these particles.
    re.compile(rf"{_BEFORE}(?P<name>{_FULL})이?(?:한테|에게|께서|께)"),
    # The whole answer: "네, 김민수요."
    re.compile(
        rf"^(?:[A-Z?]: )?(?:(?:네|예|음|어|저|아)[,.]? )*(?P<name>{_FULL})"
        r"(?:이에요|예요|이요|요|이고요|고요|이고|고|이야)?(?=[.,]|$)",
        re.MULTILINE,
    ),
)
_ROLES: Final = frozenset([*_LISTS["titles"].split(), *_LISTS["roles"].split(), *_ROLE.replace(" ?", "").split("|")])
_WORDS: Final = frozenset(_LISTS["words"].split())
_VERBAL: Final = "하해한할함합했"


def find_names(text: str) -> list[str]:
    """Return the full names that a text names as such, in the order of their first cue, each once."""
    found: dict[str, int] = {}
    for cue in _CUES:
        for match in cue.finditer(text):
            name = match["name"]
            if not _is_word(name):
                found.setdefault(name, match.start("name"))
    return sorted(found, key=lambda name: found[name])


def _is_word(name: str) -> bool:
    """Tell whether what stands where a name does is a word, or a verb made of one (전화해)."""
    return name in _WORDS or name in _ROLES or (name[:2] in _WORDS and name[2:] in _VERBAL)


def name_spans(text: str, names: Iterable[str]) -> Iterator[tuple[int, int, str]]:
    """Yield (start, end, full name) of each place that says one of the names, in full or by the given name.

    A given name alone counts only where it is called (민수야, 민수 씨): 지수 and 정원 are words too.
    """
    for name in dict.fromkeys(names):
        if not name.strip():
            continue
        for match in re.finditer(rf"{_BEFORE}{re.escape(name)}{_AFTER}", text):
            yield match.start(), match.end(), name
        given = _given(name)
        if given:
            for match in re.finditer(rf"{_BEFORE}{re.escape(given)}{_CALLED}", text):
                yield match.start(), match.end(), name


def _given(name: str) -> str | None:
    surname = 2 if name.startswith(_LONG_SURNAMES) and len(name) > 3 else 1
    return name[surname:] if len(name) - surname == 2 else None
