"""Tell text that a recognizer invented from text somebody said. Pure functions over text, seconds and confidence."""

import re

# Sign-offs of subtitled videos that Whisper models write over silence, music and ringing tones.
SIGN_OFFS = (
    "시청해주셔서감사합니다",
    "구독과좋아요",
    "다음영상에서만나요",
    "한글자막by",
    "자막제공",
    "뉴스입니다",
    "MBC뉴스",
    "이시각세계였습니다",
)
MIN_CONFIDENCE = 0.15
MAX_SYLLABLES_PER_S = 14.0
_LOOP = re.compile(r"(.{1,6}?)\1{5,}")


def is_invented(text: str, duration_s: float, confidence: float) -> bool:
    """Tell whether `text` cannot have been said in `duration_s` seconds of speech.

    True for empty text, hardly believed text, a syllable or a phrase in a loop, more syllables than a mouth can say,
    and the sign-offs of subtitled videos.
    """
    letters = re.sub(r"[\W_]", "", text)
    if not letters or confidence < MIN_CONFIDENCE:
        return True
    if _LOOP.search(letters) or len(letters) > MAX_SYLLABLES_PER_S * max(duration_s, 0.5):
        return True
    return any(sign_off in letters for sign_off in SIGN_OFFS) and confidence < 0.9
