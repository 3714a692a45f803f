"""Korean particles whose form depends on the last sound of the word before them.

Knows Hangul syllables only: a word that ends in digits or Latin letters has to be given as it is spoken.
"""

_FIRST_SYLLABLE, _LAST_SYLLABLE = 0xAC00, 0xD7A3
_FINALS = 28
_RIEUL = 8

# (after a consonant, after a vowel). Source: 한글 맞춤법, 조사의 이형태.
PAIRS = (
    ("이", "가"),
    ("은", "는"),
    ("을", "를"),
    ("과", "와"),
    ("으로", "로"),
    ("이에요", "예요"),
    ("이라", "라"),
    ("이나", "나"),
    ("이랑", "랑"),
    ("아", "야"),
    ("이야", "야"),
    ("이고", "고"),
    ("이면", "면"),
    ("이요", "요"),
    ("입니다", "입니다"),
)


def is_syllable(char: str) -> bool:
    """Tell whether `char` is one composed Hangul syllable."""
    return len(char) == 1 and _FIRST_SYLLABLE <= ord(char) <= _LAST_SYLLABLE


def final_index(char: str) -> int:
    """Return the index of the final consonant of a Hangul syllable, 0 for none."""
    return (ord(char) - _FIRST_SYLLABLE) % _FINALS if is_syllable(char) else 0


def choose(word: str, after_consonant: str, after_vowel: str) -> str:
    """Return the form of a particle that follows `word` as it is spoken; 으로 joins a final ㄹ as a vowel does."""
    final = final_index(word.rstrip(" .,?")[-1:])
    if final == 0 or (final == _RIEUL and after_consonant.startswith("으로")):
        return after_vowel
    return after_consonant


def is_pair(after_consonant: str, after_vowel: str) -> bool:
    """Tell whether the two forms are a particle's, in this order (endings of the copula 이다 included)."""
    if (after_consonant, after_vowel) in PAIRS:
        return True
    if after_consonant.startswith(("이", "으")) and after_consonant[1:] == after_vowel:
        return True
    return after_consonant.startswith("이었") and after_vowel == "였" + after_consonant[2:]
