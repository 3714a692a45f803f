"""Which language a text is in: by its scripts first, by the commonest pieces of words where a script is shared.

Small and exact about what it must tell apart here, Korean from everything else; it knows no dialects and no
translations, and calls Hangul without Korean syllable pairs `und` (a cat on a keyboard writes Hangul too).
"""

import re
from collections import Counter
from dataclasses import dataclass
from typing import Final

_SCRIPTS: Final = {
    "hangul": re.compile("[가-힣]"),
    "kana": re.compile("[ぁ-ゖァ-ヺ]"),
    "han": re.compile("[㐀-䶿一-鿿]"),
    "latin": re.compile("[A-Za-zÀ-ɏḀ-ỿ]"),
    "cyrillic": re.compile("[Ѐ-ӿ]"),
    "arabic": re.compile("[\u0600-\u06ff]"),
    "thai": re.compile("[ก-๛]"),
    "devanagari": re.compile("[ऀ-ॿ]"),
}
_ONE_LANGUAGE: Final = {"cyrillic": "ru", "arabic": "ar", "thai": "th", "devanagari": "hi"}
# Function words, the most frequent short pieces of running text (Cavnar and Trenkle 1994 found the same of n-grams).
_LATIN: Final = {
    "en": "the of and to in is that it for you with are this was have not on we be as what can your from they will",
    "de": "der die und das ist nicht ich sie ein eine zu den mit von auf für wir es dem auch werden haben sich wie",
    "fr": "le la les de et des est un une que pour dans vous nous pas sur avec qui au du ce cette sont mais votre",
    "es": "el la los de que y en un una por con para es no se las del su como más pero está este muy usted",
    "vi": "là của và các có được cho không một người này với những trong đã để khi anh chị em tôi bạn ở",
    "id": "yang dan di itu ini dengan untuk tidak dari dalam akan pada juga saya anda ke ada kami bisa sudah",
}
_LATIN_WORDS: Final = {code: frozenset(words.split()) for code, words in _LATIN.items()}
_WORD: Final = re.compile(r"[^\W\d_]+")
# The syllables that cover most of running Korean: particles, endings, and the commonest parts of words.
_COMMON_SYLLABLES: Final = frozenset(
    "이다가고는지에요네으니를하의도은을한로시어그사해서거면나기아게자있라데인제일정리스주전보수요대만"
    "들습까원상안세부여야금내드저무것과장오좀조마예겠소우생신없않좋확감성유었음진구던려할된되든동러분"
    "알연저희통화번호문객님말씀렇때문월년회비입발배달접중바알겠맞괜찮그럼혹럼떻건결약방모행경공영실물"
    "재계용관심학교위직업체개선택품반송치간미와며봐너왜뭐잘못더또참진짜영화같많볼본재밌완최점"
    "두번열릴올랑준처럼먹사람싶갈갔왔받보내냈줄줘편일날녁오후침늘료담험색현역단속차량길불급환매출"
)
_MIN_COMMON: Final = 0.35
_MIN_SYLLABLES_TO_JUDGE: Final = 12


@dataclass(frozen=True)
class Language:
    """A language code (`und` when undecided) and the share of the letters that speaks for Korean."""

    code: str
    korean: float


def script_counts(text: str) -> Counter[str]:
    """Return how many letters of each script a text has."""
    counts = Counter({name: len(letters.findall(text)) for name, letters in _SCRIPTS.items()})
    return +counts


def identify(text: str) -> Language:
    """Return the language of a text and its share of Korean letters; a text without letters is `und`."""
    counts = script_counts(text)
    letters = counts.total()
    if not letters:
        return Language("und", 0.0)
    korean = counts["hangul"] / letters
    main = max(counts, key=lambda name: (counts[name], name))
    if main == "hangul":
        return Language("ko" if _reads_as_korean(text) else "und", korean)
    if counts["kana"] and main in ("kana", "han"):
        return Language("ja", korean)
    if main == "latin":
        return Language(_latin_language(text), korean)
    return Language("zh" if main == "han" else _ONE_LANGUAGE[main], korean)


def _reads_as_korean(text: str) -> bool:
    syllables = _SCRIPTS["hangul"].findall(text)
    if len(syllables) < _MIN_SYLLABLES_TO_JUDGE:
        return True
    return sum(syllable in _COMMON_SYLLABLES for syllable in syllables) / len(syllables) >= _MIN_COMMON


def _latin_language(text: str) -> str:
    words = Counter(word.lower() for word in _WORD.findall(text))
    hits = {code: sum(words[word] for word in known) for code, known in _LATIN_WORDS.items()}
    best = max(hits, key=lambda code: hits[code])
    return best if hits[best] else "und"
