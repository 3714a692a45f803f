"""Sentences that are like a call's but belong to no script: spoken numbers, phones, dates, money, names and addresses.

They are drawn anew each time, so a decoder cannot learn a slot by heart. It knows Korean number words, not scripts or sound.
"""

import random
from collections.abc import Callable

_DIGITS = "영일이삼사오육칠팔구"
_NATIVE_ONES = ("", "한", "두", "세", "네", "다섯", "여섯", "일곱", "여덟", "아홉")
_NATIVE_TENS = ("", "열", "스물", "서른", "마흔", "쉰", "예순", "일흔", "여든", "아흔")
_SURNAMES = "김이박최정강조윤장임한오서신권황안송전홍유고문양손배백허남심노하곽성차주우구민진지엄채원천방공현함변염여추도소석선설마길연위표명기반왕금옥육인맹제모탁국어은편용"
_GIVEN = "민서준현지수영우진은혜경희정미주연하윤도예나아라슬기성호재훈동철수상태규석환병길순자옥숙명복남훈승원빈찬율린솔유건시온다인선형욱용범"
_DISTRICTS = (
    *("마포구", "강남구", "서초구", "송파구", "종로구", "은평구", "노원구", "관악구", "강서구", "양천구", "영등포구", "성북구"),
    *("광진구", "동작구", "해운대구", "수영구", "사하구", "달서구", "수성구", "유성구", "덕진구", "완산구", "분당구", "일산동구"),
    *("팔달구", "단원구", "상록구", "부평구", "남동구", "연수구", "중원구", "흥덕구", "의창구", "기흥구", "처인구", "북구", "남구"),
)
_ROADS = "월드컵 테헤란 세종 새마을 문화 중앙 남산 한강 벚꽃 은행나무 평화 시민 학동 불광 백제 충무 대학 통일 하늘 호수 과학 산업 디지털 온천 금강 무학 새싹 동백 정자 신촌".split()
_THINGS = (
    "세탁기 냉장고 에어컨 정수기 건조기 보일러 공기청정기 노트북 휴대폰 모니터 운동화 겨울 코트 이불 책상 소파 침대 전기밥솥 청소기 전자레인지 카메라 이어폰 택배 상자 쌀 김치 화장품 "
    "영양제 우산 가방 지갑 신용카드 체크카드 통장 적금 대출 보험 자동차 보험 실손 보험 청구서 진단서 영수증 세금계산서 견적서 계약서 등본 여권 비자 항공권 숙소 렌터카 타이어 엔진오일 배터리 "
    "브레이크 패드 블랙박스 와이파이 공유기 인터넷 요금제 로밍 데이터 유심 셋톱박스 리모컨 펌프 컴프레서 밸브 모터 베어링 센서 인버터 컨베이어 금형 프레스 볼트 용접기 지게차 차단기 케이블 "
    "도면 부품 재고 납품 발주 수강권 교재 성적표 학원비 급식비 예약금 보증금 월세 전세 관리비 수도 요금 전기 요금 가스 요금 주차권 회식 회의 발표 자료 보고서 출장 연차 면접 이력서"
).split()
_WHEN = "오늘 내일 모레 어제 그저께 아까 방금 이번 주 다음 주 지난주 이번 달 다음 달 지난달 주말 평일 오전 오후 저녁 아침 새벽 점심때".split()
_DAYS = "월요일 화요일 수요일 목요일 금요일 토요일 일요일".split()
_UNITS = "개 명 장 권 대 번 병 잔 그릇 마리 켤레 상자 박스 봉지 세트 통 벌 군데 가지 살".split()
_SINO_UNITS = "원 퍼센트 도 킬로 미터 킬로미터 층 호 동 번 인분 개월 년 분 초 기가 볼트 암페어 바 리터 평 그램 차 회 점 등".split()
_OPENERS = "네 예 아 어 음 그 저 저기 그러면 그럼 그래서 근데 아니 일단 혹시 맞아요 잠시만요 저희가 제가 고객님 사장님 선생님 과장님".split()
_FRAMES = (
    *("{o} {w} {t} {a}인데요.", "{t} 값이 {m}이라고 들었는데 맞나요?", "{p}입니다.", "번호는 {p}이에요.", "{n} 고객님 맞으신가요?"),
    *("{o}, {w} {d}까지 {m} 입금하시면 됩니다.", "{a}로 보내 주세요.", "{d} {h}에 방문하겠습니다.", "{h}에서 {h} 사이요.", "{t} {c} 주문했는데요."),
    *("{s}이 나왔습니다.", "주문 번호가 {g}입니다.", "{o}, {g}번이요.", "{n}라고 합니다.", "제 이름은 {n}이고요, 연락처는 {p}입니다."),
    *("{w} {h}쯤 {t} 때문에 전화드렸어요.", "{h} 아니 {h}로 바꿔 주세요.", "{m}에서 {m}으로 올랐어요.", "{c}하고 {c} 더 주세요.", "{b}인데 {t} 좀 봐 주세요."),
    *("그게 {s} 정도 됩니다.", "차 번호는 {k}입니다.", "{o}, {d}에는 안 되고 {d} {h}는 괜찮습니다.", "카드 끝 번호 {g} 맞으세요?", "{n} 씨가 {w} {h}에 온대요."),
    *("{a} {b}입니다.", "보증금 {m}에 월세 {m}이요.", "{t} {c}, {t} {c} 해서 모두 {m}입니다.", "{d}부터 {d}까지요.", "{o} {n} 과장님 계신가요?"),
)


def sino(number: int) -> str:
    """Return `number` (0 to 10^12) in Sino-Korean words: 54000 is 오만 사천."""
    if number == 0:
        return "영"
    groups: list[str] = []
    for unit in ("", "만", "억", "조"):
        number, part = divmod(number, 10_000)
        if part:
            word = _sino_group(part)
            groups.append("만" if unit == "만" and part == 1 and number == 0 else word + unit)
    return " ".join(reversed(groups))


def _sino_group(part: int) -> str:
    words = []
    for unit, size in (("천", 1000), ("백", 100), ("십", 10), ("", 1)):
        digit, part = divmod(part, size)
        if digit:
            words.append(unit if digit == 1 and unit else _DIGITS[digit] + unit)
    return "".join(words)


def native(number: int) -> str:
    """Return `number` (1 to 99) in native Korean words as they stand before a unit: 20 is 스무, 23 스물세."""
    return "스무" if number == 20 else _NATIVE_TENS[number // 10] + _NATIVE_ONES[number % 10]


def _spelled(rng: random.Random, count: int, spaced: bool) -> str:
    return (" " if spaced else "").join(rng.choice("공" + _DIGITS[1:]) for _ in range(count))


def _phone(rng: random.Random) -> str:
    head = rng.choice(("공일공", "공일공", "공일공", "공이", "공삼일", "공오일", "공칠공", "일오팔팔", "공일일"))
    parts = [head, _spelled(rng, rng.choice((3, 4, 4, 4)), False), _spelled(rng, 4, False)]
    return rng.choice((" ", " ", ", ", "에 ")).join(parts)


def _money(rng: random.Random) -> str:
    step = rng.choice((10, 100, 1000, 1000, 10_000, 100_000, 1_000_000))
    return f"{sino(step * rng.randint(1, 999))} 원"


def _date(rng: random.Random) -> str:
    month = {6: "유", 10: "시"}.get(number := rng.randint(1, 12), sino(number))
    day = f"{month}월 {sino(rng.randint(1, 31))} 일"
    return rng.choice((day, day, f"{day} {rng.choice(_DAYS)}", f"{rng.choice(_WHEN)} {rng.choice(_DAYS)}", f"{sino(rng.randint(1, 31))} 일"))


def _hour(rng: random.Random) -> str:
    minute = rng.choice(("", "", " 반", f" {sino(rng.randint(1, 59))} 분"))
    return f"{rng.choice(('오전 ', '오후 ', '저녁 ', '아침 ', ''))}{native(rng.randint(1, 12))} 시{minute}"


def _address(rng: random.Random) -> str:
    road = f"{rng.choice(_ROADS)}{rng.choice(('로', '로', '길', '대로'))}"
    lane = f" {sino(rng.randint(2, 60))} 길" if rng.random() < 0.5 else ""
    return f"{rng.choice(_DISTRICTS)} {road}{lane} {sino(rng.randint(1, 300))}"


def _name(rng: random.Random) -> str:
    return rng.choice(_SURNAMES) + rng.choice(_GIVEN) + rng.choice(_GIVEN)


_SLOTS: dict[str, Callable[[random.Random], str]] = {
    "o": lambda rng: rng.choice(_OPENERS),
    "w": lambda rng: rng.choice(_WHEN),
    "t": lambda rng: rng.choice(_THINGS),
    "a": _address,
    "m": _money,
    "p": _phone,
    "n": _name,
    "d": _date,
    "h": _hour,
    "c": lambda rng: f"{native(rng.randint(1, 40))} {rng.choice(_UNITS)}",
    "s": lambda rng: f"{sino(rng.choice((rng.randint(1, 99), rng.randint(100, 9999))))} {rng.choice(_SINO_UNITS)}",
    "g": lambda rng: _spelled(rng, rng.randint(3, 8), rng.random() < 0.5),
    "b": lambda rng: f"{sino(rng.randint(101, 130))} 동 {sino(rng.randint(1, 25) * 100 + rng.randint(1, 8))} 호",
    "k": lambda rng: f"{sino(rng.randint(1, 999))} {rng.choice('가나다라마거너더러머버서어저고노도로모보소오조구누두루무부수우주허하호')} {_spelled(rng, 4, False)}",
}


def phrase(rng: random.Random) -> str:
    """Return one sentence with its slots filled, written as it is spoken."""
    frame = rng.choice(_FRAMES)
    for key, draw in _SLOTS.items():
        while "{" + key + "}" in frame:
            frame = frame.replace("{" + key + "}", draw(rng), 1)
    return frame


def word_salad(rng: random.Random, words: list[str]) -> str:
    """Return words in no order at all, so that listening is the only way to write them down."""
    chosen = [rng.choice(words) for _ in range(rng.randint(2, 7))]
    if rng.random() < 0.3:
        chosen.insert(rng.randrange(len(chosen)), _name(rng))
    return " ".join(chosen) + rng.choice((".", ".", "?"))
