"""Judges short numerals: whether 이 is "two" or "this", 사 "four" or "buy", 만 "ten thousand" or "only".

Works on the numeral, the gap behind it and the unit; it knows no context further away.
"""

import re
from typing import Final

_SPAN: Final = re.compile(" ?(?:뒤|후|전|동안|정도|이내|안에|내로|만에|간|쯤|짜리|째|씩|이상|걸|까지|부터)")
_LARGE: Final = "십백천만억"
# With a blank between, these numerals still read as ordinary words before these counters.
_THIS: Final = frozenset("일분번도동대개명건점조차시과강병판장세호등인기위급배칸통권석원팩포알정캔본롤필척쪽평바")
_ONE: Final = frozenset("일시개대명장건점정도동원배본바기인강과")
_GLUED: Final = {
    "원": "만천백십",
    "분": "일삼사오육칠팔구십",
    "년": "일이삼사오육칠팔구십",
    "층": "일이삼사오육칠팔구십",
    "일": "삼육칠팔구",
    "명": "십백천만",
}
_BARE: Final = re.compile("[이사오구천]천|[이사오구천]만|만[이일사오구]|천[이일사오구]|백[이일사오구]")
_WEAK_DIGITS: Final = frozenset("일이사오")
_FROM_TO: Final = frozenset(("일이", "이삼", "삼사", "사오", "오육", "육칠", "칠팔", "팔구"))


def _has_digits(text: str) -> bool:
    return any(char.isdigit() for char in text)


def doubtful_unit(numeral: str, match: re.Match[str], unit: str) -> bool:
    """Tell whether a spoken numeral of one syllable before a unit is more likely an ordinary word."""
    said = numeral.replace(" ", "")
    if _has_digits(said) or len(said) != 1:
        return said == "만일" or not said
    glued = match.string[match.start() + len(numeral.rstrip())] != " "
    spanned = unit in ("일", "분", "주", "시간") and _spans(match)
    if len(unit) > 1:
        return glued and ((said in "만천이사" and unit in ("시간", "사람")) or (said in "만오천이" and unit == "기가"))
    if unit == "주" and said in "만천백":
        return True
    if glued:
        return (
            not spanned and said not in _GLUED.get(unit, "")
            if unit != "일"
            else said not in _GLUED["일"] and not _dated(match)
        )
    if said == "이":
        return unit in _THIS and not spanned
    return said == "일" and unit in _ONE and not spanned


def _spans(match: re.Match[str]) -> bool:
    return _SPAN.search(match[0]) is not None or _SPAN.match(match.string, match.end()) is not None


def _dated(match: re.Match[str]) -> bool:
    """Tell whether a glued day (사일, 오일, 십일) is followed by what follows dates, and is not 만일."""
    return match[0][0] in "사오십이" and (_SPAN.match(match.string, match.end()) is not None or _spans(match))


def doubtful_native(numeral: str, match: re.Match[str], unit: str) -> bool:
    """Tell whether a native numeral with a counter is rather an idiom (한번, 한편) or another word (세대, 열정)."""
    if numeral == "한" and unit in ("번", "편", "쪽", "판", "배", "모", "주", "정", "층"):
        return True
    if len(numeral) > 1 or len(unit) > 1:
        return False
    glued = match.string[match.start() + 1] != " "
    if numeral in "석넉":
        return unit not in ("달", "장", "잔")
    return glued and unit not in ("개", "명", "분", "번", "달", "살", "건", "병", "잔")


def doubtful_hour(match: re.Match[str]) -> bool:
    """Tell whether 두시 is the verb 두다 (두시고, 두시면) and not two o'clock."""
    return match[0] == "두시" and match.string[match.end() : match.end() + 1] in ("고", "면", "는", "죠", "지")


def doubtful_number(numeral: str) -> bool:
    """Tell whether a numeral without a unit is more likely an ordinary word."""
    said = numeral.replace(" ", "")
    if any(char.isdigit() for char in said):
        return False
    if len(said) < 2 or _BARE.fullmatch(said) or not any(char in _LARGE for char in said):
        return True
    # 십만, 이만 and 삼백 stand alone; a blank inside joins words by chance (만 이, 이 천).
    return " " in numeral.strip() and len(said) < 4


def doubtful_digits(run: str, *, announced: bool) -> bool:
    """Tell whether syllables that could be digits read one by one are more likely ordinary words.

    `announced`: a word such as 번호 or 코드 stands before them.
    """
    groups = [group for group in re.split(r"[에의] ?|다시 | |-", run) if group]
    digits = "".join(groups)
    joined = "에" in run or "의" in run
    if len(digits) < 3 or (joined and (len(groups[0]) < 2 or min(len(group) for group in groups[1:]) < 3)):
        return True
    if announced or _has_digits(digits):
        return False
    longest = max(len(group) for group in groups)
    if longest >= 4 or len(digits) >= 7:
        return False
    if longest == 3:
        from_to = digits[2] == "일" and digits[:2] in _FROM_TO
        return len(groups) == 1 and (from_to or all(char in _WEAK_DIGITS for char in digits))
    if all(len(group) == 1 for group in groups):
        return len(digits) < 4 and sum(char in _WEAK_DIGITS for char in digits) > 1
    return sum(char not in _WEAK_DIGITS for char in digits) < 2
