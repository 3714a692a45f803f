"""Personal data: planted in every spelling, found, replaced by one placeholder each; amounts and dates stay."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_core.data.refinery.personal import LABELS, find_personal, scrub, scrub_texts

_SPOKEN = dict(zip("0123456789", "공일이삼사오육칠팔구", strict=True))
PARTICLES = ("이에요", "입니다", "으로", "이고요", "요", "인데요", "")


def spoken(digits: str) -> str:
    """Spell digits as they are said."""
    return "".join(_SPOKEN[digit] for digit in digits)


@settings(max_examples=80, deadline=None)
@given(
    middle=st.text("0123456789", min_size=4, max_size=4),
    last=st.text("0123456789", min_size=4, max_size=4),
    particle=st.sampled_from(PARTICLES),
    written=st.sampled_from(("010-{}-{}", "010 {} {}", "010{}{}", "010.{}.{}", "010-{} {}")),
    said=st.sampled_from(
        ("공일공 {} {}", "공일공에 {}에 {}", "공일공, {}, {}", "공일공 음 {} 그 {}", "공일공 다시 {} 다시 {}")
    ),
)
def test_a_phone_number_is_one_placeholder_however_it_is_spelled(
    middle: str, last: str, particle: str, written: str, said: str
) -> None:
    text = (
        f"제 번호는 {written.format(middle, last)}{particle}.\n"
        f"확인할게요, {said.format(spoken(middle), spoken(last))} 맞으시죠? 요금은 54,000원입니다."
    )
    scrubbed, counts = scrub(text)
    assert counts["phone"] == 2, scrubbed
    assert scrubbed.startswith(f"제 번호는 [전화1]{particle}.")
    assert scrubbed.endswith("[전화1] 맞으시죠? 요금은 54,000원입니다.")


@settings(max_examples=40, deadline=None)
@given(
    birth=st.dates(),
    serial=st.integers(0, 999_999),
    sex=st.sampled_from("12345678"),
    say=st.booleans(),
)
def test_a_resident_number_needs_no_check_digit(birth: object, serial: int, sex: str, say: bool) -> None:
    front, back = f"{birth:%y%m%d}", f"{sex}{serial:06d}"
    number = f"{spoken(front)}에 {spoken(back)}" if say else f"{front}-{back}"
    scrubbed, counts = scrub(f"주민번호는 {number} 맞습니다.")
    assert scrubbed == "주민번호는 [주민번호1] 맞습니다."
    assert counts == {"resident": 1}


PLANTED = [
    ("카드 번호 4111 1111 1111 1111로 결제해 주세요", "카드 번호 [카드1]로 결제해 주세요"),
    ("계좌는 국민은행 123-45-678901이고요", "계좌는 국민은행 [계좌1]이고요"),
    ("메일은 minsu.kim+1@mail.example.co.kr이에요", "메일은 [이메일1]이에요"),
    ("면허 번호 11-23-456789-01입니다", "면허 번호 [면허1]입니다"),
    ("여권은 M12345678이요", "여권은 [여권1]이요"),
    ("차는 123가4567이에요, 123가 4567", "차는 [차량1]이에요, [차량1]"),
    ("서울 강남구 테헤란로 152 101동 1203호로 보내 주세요", "[주소1]로 보내 주세요"),
    ("저는 이서연이라고 합니다. 이서연입니다.", "저는 [이름1]이라고 합니다. [이름1]입니다."),
    ("김민수 고객님이랑 박지훈 대리님, 김민수 씨", "[이름1] 고객님이랑 [이름2] 대리님, [이름1] 씨"),
    ("국제 전화는 +82-10-1234-5678, 국내는 010-1234-5678", "국제 전화는 [전화1], 국내는 [전화1]"),
    ("대표 번호 02-123-4567로요", "대표 번호 [전화1]로요"),
    (
        "A: 번호가 공일공이요\nB: 네\nA: 이삼사오요\nB: 네\nA: 육칠팔구예요",
        "A: 번호가 [전화1]이요\nB: 네\nA: [전화1]요\nB: 네\nA: [전화1]예요",
    ),
    ("010-1234-5678이요. 뒷자리 5678 맞으시죠?", "[전화1]이요. 뒷자리 [전화1] 맞으시죠?"),
]


@pytest.mark.parametrize(("text", "expected"), PLANTED)
def test_planted_personal_data_is_replaced(text: str, expected: str) -> None:
    assert scrub(text)[0] == expected
    assert scrub(expected) == (expected, {})


@pytest.mark.parametrize(
    "text",
    [
        "오만 사천 원이고 3월 5일 오후 세 시 삼십 분에 방문합니다.",
        "주문번호 20231105123456 확인 부탁드립니다.",
        "일이삼사 순서대로 눌러 주세요, 총 1,234,567원입니다.",
        "이미지가 주차장에 지하 2층 정수기 옆에 있어요.",
        "상담원에게 말씀하시면 관리자한테 전달하고 지점장에게도 알릴게요.",
        "전화해 주시면 담당 기사님이 상담해 드립니다.",
        "모델명은 RS84T5041이고 2023년 11월 5일에 샀어요.",
    ],
)
def test_amounts_dates_and_words_stay(text: str) -> None:
    assert scrub(text) == (text, {})


def test_names_known_beforehand_are_found_without_a_cue() -> None:
    assert scrub("그건 나누리가 알아요, 나누리도요.", ["나누리"])[0] == "그건 [이름1]가 알아요, [이름1]도요."


def test_texts_of_one_call_share_their_placeholders() -> None:
    texts, counts = scrub_texts(["010-1234-5678이에요", "네\n잠시만요", "공일공 일이삼사 오육칠팔 맞으시죠"])
    assert texts == ["[전화1]이에요", "네\n잠시만요", "[전화1] 맞으시죠"]
    assert counts == {"phone": 2}


def test_placeholders_that_are_there_keep_their_numbers() -> None:
    assert scrub("[전화1]이 아니라 010-1234-5678이에요")[0] == "[전화1]이 아니라 [전화2]이에요"


@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            (
                "010-1234-5678",
                "공일공",
                "이삼사오",
                "육칠팔구",
                "네",
                "\n",
                "A: ",
                "김민수 고객님",
                "[전화1]",
                "12가3456",
                "3시",
                ", ",
                " ",
            )
        ),
        max_size=14,
    )
)
def test_spans_never_overlap_nor_cross_lines(pieces: list[str]) -> None:
    text = "".join(pieces)
    last = 0
    for span in find_personal(text):
        assert last <= span.start < span.end <= len(text)
        assert "\n" not in text[span.start : span.end]
        assert span.kind in LABELS
        last = span.end
    scrubbed, counts = scrub(text)
    assert scrubbed.count("\n") == text.count("\n")
    assert len(re.findall(r"\[[가-힣]+\d+\]", scrubbed)) == text.count("[전화1]") + counts.total()
