"""One spelling for one text: Unicode composed, invisible characters gone, one kind of blank, dash and quotation mark.

Compatibility forms are unfolded only where nothing is lost: full NFKC would take ㅋㅋ apart into initials that no font
joins. Numbers, spelling and spacing of words are left as they were said.
"""

import re
import unicodedata
from collections import Counter
from typing import Final

_FULLWIDTH: Final = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_ONE_SPELLING: Final = {
    **_FULLWIDTH,
    **dict.fromkeys(map(ord, "‐‑‒–—―−"), "-"),
    **dict.fromkeys(map(ord, "‘’‛`´"), "'"),
    **dict.fromkeys(map(ord, "“”‟″"), '"'),
    ord("…"): "...",
    ord("～"): "~",
    ord("〜"): "~",
}
_RESPELLED: Final = re.compile("[" + "".join(map(re.escape, map(chr, _ONE_SPELLING))) + "]")
_HALFWIDTH_JAMO: Final = re.compile("[\uffa0-\uffdc]")
# Control, format, private-use and surrogate characters; line ends and blanks are treated on their own.
_INVISIBLE: Final = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u180e\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb\ue000-\uf8ff\ud800-\udfff\U000e0000-\U000e0fff\U000f0000-\U0010ffff]"
)
_LINE_END: Final = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_BLANKS: Final = re.compile("[ \t\xa0\u1680\u2000-\u200a\u202f\u205f\u3000\u3164]+")
_AROUND_LINES: Final = re.compile(" ?\n ?")
_EMPTY_LINES: Final = re.compile("\n{3,}")
# Laughing and exclaiming may go on for any length; three say as much as thirty.
_LONG_RUN: Final = re.compile(r"([ㄱ-ㅎㅏ-ㅣ!?.~,\-=*#_+^;:])\1{3,}")


def normalize(text: str) -> tuple[str, Counter[str]]:
    """Return the text in its one spelling, and how many places changed by kind; a second pass changes nothing."""
    counts: Counter[str] = Counter()
    text, counts["line_ends"] = _LINE_END.subn("\n", text)
    text, counts["invisible"] = _INVISIBLE.subn("", text)
    text, composed = _composed(text)
    counts["respelled"] = len(_RESPELLED.findall(text))
    text = text.translate(_ONE_SPELLING) if counts["respelled"] else text
    text, counts["halfwidth"] = _HALFWIDTH_JAMO.subn(lambda match: _compatibility_jamo(match[0]), text)
    # Once more: a mark may stand behind what is a letter only now.
    text, again = _composed(text)
    counts["composed"] = int(composed or again)
    text, counts["long_runs"] = _LONG_RUN.subn(r"\1\1\1", text)
    text = _AROUND_LINES.sub("\n", _BLANKS.sub(" ", text))
    return _EMPTY_LINES.sub("\n\n", text).strip(" \n"), +counts


def _composed(text: str) -> tuple[str, bool]:
    if unicodedata.is_normalized("NFC", text):
        return text, False
    return unicodedata.normalize("NFC", text), True


def _compatibility_jamo(halfwidth: str) -> str:
    """Return the jamo that stands alone (ㅋ) for a half-width one."""
    name = unicodedata.name(halfwidth, "").replace("HALFWIDTH ", "")
    try:
        return unicodedata.lookup(name)
    except KeyError:
        return ""
