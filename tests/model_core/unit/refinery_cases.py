"""Korean documents for the refinery's tests: random sentences, different enough not to be duplicates of each other."""

import json
import random
from pathlib import Path

_WHO = [
    "상담원",
    "고객",
    "기사",
    "사장",
    "직원",
    "관리자",
    "동생",
    "선배",
    "이웃",
    "손님",
    "의사",
    "약사",
    "강사",
    "학생",
    "점원",
]
_WHERE = [
    "매장",
    "창고",
    "병원",
    "학원",
    "은행",
    "공장",
    "식당",
    "사무실",
    "주차장",
    "우체국",
    "도서관",
    "시장",
    "정류장",
    "공항",
    "호텔",
]
_WHAT = [
    "영수증",
    "계약서",
    "냉장고",
    "세탁기",
    "도시락",
    "노트북",
    "소파",
    "운동화",
    "보험증",
    "우산",
    "커튼",
    "의자",
    "자전거",
    "안경",
    "화분",
    "카메라",
    "지갑",
]
_WHEN = [
    "아침에",
    "저녁에",
    "주말에",
    "어제는",
    "오늘은",
    "내일은",
    "방금",
    "나중에",
    "먼저",
    "천천히",
    "갑자기",
    "다행히",
]
_DID = [
    "맡겼어요",
    "찾았습니다",
    "고쳤대요",
    "바꿨어요",
    "보냈습니다",
    "받았거든요",
    "버렸어요",
    "샀습니다",
    "빌렸어요",
    "잃어버렸대요",
]


def korean_text(rng: random.Random, lines: int = 8) -> str:
    """Return a text of random sentences of Korean conversation."""
    return "\n".join(
        f"{rng.choice(_WHEN)} {rng.choice(_WHO)}가 {rng.choice(_WHERE)}에서 {rng.choice(_WHAT)}를 "
        f"{rng.choice(_WHO)}에게 {rng.choice(_DID)}."
        for _ in range(lines)
    )


def nearly(text: str, rng: random.Random, share: float = 0.02) -> str:
    """Return a text with a share of its syllables exchanged, as a recognizer mishears them."""
    letters = list(text)
    places = [place for place, letter in enumerate(letters) if "가" <= letter <= "힣"]
    for place in rng.sample(places, max(1, round(share * len(places)))):
        letters[place] = rng.choice("가나다라마바사아자차".replace(letters[place], ""))
    return "".join(letters)


def respelled(text: str) -> str:
    """Return the same letters with other blanks and punctuation."""
    return text.replace(".", "!").replace("에서 ", "에서").replace("\n", " ")


def write_jsonl(path: Path, texts: list[str]) -> Path:
    """Write texts as JSON lines."""
    path.write_text("".join(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in texts))
    return path
