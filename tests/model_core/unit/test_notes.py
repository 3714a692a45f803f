"""Spoken clauses as notes: endings, figures, marks, and what may be a name or an action."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_core.data.call import Action, Item, Line, Summary, Topic, plain
from model_core.data.korean.names import looks_like_name
from model_core.data.korean.notes import as_note, as_title, nominal
from model_core.data.korean.promises import doer, is_promise, makes_wait
from model_core.data.korean.values import find_values, same_value
from model_core.inference.notes import in_notes


@pytest.mark.parametrize(
    ("spoken", "note"),
    [
        ("확인했고 등록됐습니다", "확인했고 등록됨"),
        ("대신 <v>백이십만 원</v> 드리려고요, 좀 모자란데요", "대신 <v>120만 원</v> 드리려고 함, 좀 모자람"),
        ("지금 올려 주시면 제가 바로 볼게요", "지금 올려 주시면 제가 바로 보기로 함"),
        ("제가 만들게요", "제가 만들기로 함"),
        ("서류를 받을게요", "서류를 받기로 함"),
        ("오후 네 시까지 기사가 전화드릴 거예요", "오후 4시까지 기사가 전화드릴 예정"),
        ("빌리고 싶은데 되나요? 일곱 시간 정도요", "빌리고 싶은데 되는지 문의, 7시간 정도"),
        ("얼마예요?", "얼마인지 문의"),
        ("사진 보내 줄 수 있어요?", "사진 보내 줄 수 있는지 문의"),
        ("성함은 <v>김준택</v>이에요", "성함은 <v>김준택</v>임"),
        ("올해 게 없네요", "올해 게 없음"),
        ("공일공 구칠공오 팔칠이육", "010-9705-8726"),
        ("삼억 천만 원에 계약하겠습니다", "3억 1,000만 원에 계약하기로 함"),
        ("만 천 원입니다", "11,000원임"),
        ("집으로 오래요", "집으로 오라고 함"),
        ("내일 와요", "내일 옴"),
        ("불이 꺼졌어요", "불이 꺼졌음"),
        ("하루면 됩니다", "하루면 됨"),
        ("오늘은 의사만 받는 거고요", "오늘은 의사만 받는 것임"),
        ("두 번 걸었는데 안 받으시더라고요", "2번 걸었는데 안 받으심"),
        ("전체 등록금은 이백팔십만인데", "전체 등록금은 280만임"),
        ("반품이 아예 어려우세요", "반품이 아예 어려우심"),
        ("그렇죠", "그렇죠"),
        ("<v>찾아야겠네</v>", "찾아야겠네"),
        ("내가 전화해서 <v>알아볼게</v>", "내가 전화해서 알아보기로 함"),
        ("짐은 치워 놔야겠네요", "짐은 치워 놔야 함"),
        ("빨리 주시면 고맙겠습니다", "빨리 주시면 고맙겠음"),
        ("뒷자리는 어떠세요", "뒷자리는 어떤지 문의"),
        ("오만 원 돌려드릴까요", "5만 원 돌려드릴지 문의"),
        ("사진을 보내 주시겠습니까?", "사진을 보내 달라고 함"),
        ("저희가 접수할 게요", "저희가 접수하기로 함"),
        ("압류가 걸렸습 니다", "압류가 걸렸음"),
    ],
)
def test_a_spoken_clause_becomes_a_note(spoken: str, note: str) -> None:
    assert as_note(spoken) == note


@pytest.mark.parametrize(("stem", "noun"), [("하", "함"), ("있", "있음"), ("만들", "만듦"), ("", "")])
def test_nominal_forms(stem: str, noun: str) -> None:
    assert nominal(stem) == noun


FIGURES = st.sampled_from(
    (
        "오만 사천 원",
        "삼억 원",
        "공일공 이삼사오 육칠팔구",
        "오후 세 시 반",
        "십이월 삼 일",
        "사흘",
        "두 시간",
        "십오 퍼센트",
        "이십 명",
        "백삼 동 천이백사 호",
    )
)
WORDS = st.text(alphabet="가나다라마하되있없겠습니요네죠게세데은는 .,?", max_size=24)


@given(before=WORDS, figure=FIGURES, after=WORDS)
def test_a_note_keeps_every_marked_figure(before: str, figure: str, after: str) -> None:
    note = as_note(f"{before} <v>{figure}</v>{after}")
    value = find_values(figure)[0]
    inside = note.partition("<v>")[2].partition("</v>")[0]
    assert any(same_value(value, shown) for shown in find_values(inside))


@given(WORDS)
def test_any_text_becomes_a_note_of_clean_blanks(text: str) -> None:
    note = as_note(text)
    assert note == " ".join(note.split())
    assert as_note(plain(note)) is not None


def test_a_title_says_no_word_twice_and_ends_in_no_verb() -> None:
    assert as_title("보낸 거 보낸 거 전화 보냈는데") == "전화"
    assert as_title("충전하는데요 항의") == "충전 항의"
    assert as_title("토크 게이지 교정이요 일정 문의") == "토크 게이지 교정 일정 문의"
    assert as_title("보냈는데") == "보냈는데", "something has to stand there"
    assert as_title("부탁, 부탁") == "부탁"
    assert as_title("주문서에 문의") == "주문서 문의" and as_title("전날까지") == "전날"
    assert as_title("<v>오만 원</v> 환불 요청") == "<v>5만 원</v> 환불 요청"


@pytest.mark.parametrize("text", ["해오름모빌리티", "김준택", "백련산업 창고", "가을이불"])
def test_names(text: str) -> None:
    assert looks_like_name(text)


@pytest.mark.parametrize("text", ["받는", "쪽에서", "찾아야겠네", "그", "급해서 빨리", "조교기요", "제가", ""])
def test_what_is_no_name(text: str) -> None:
    assert not looks_like_name(text)


@pytest.mark.parametrize(
    "clause",
    [
        "바로 수거 예약하겠습니다",
        "내가 할게",
        "사진 보내 주세요",
        "서류를 내셔야 해요",
        "금요일까지 오세요",
        "담당자가 전화드릴 거예요",
        "소파에 못 올라가게 할게요",
        "오후 한 시 표로 제가 끊을게요",
        "견적서를 이십팔 일까지 보내 주시겠습니까?",
        "못 봤으면 제가 바로 다시 보낼게요",
    ],
)
def test_promises_and_requests(clause: str) -> None:
    assert is_promise(clause)


@pytest.mark.parametrize(
    "clause",
    [
        "말씀하세요",
        "안녕히 계세요",
        "오늘도 안전 운행 하십시오",
        "좋은 하루 보내세요",
        "댁에 계세요?",
        "어떻게",
        "알겠습니다",
        "비가 왔어요",
        "고맙겠습니다",
        "반품이 아예 어려우세요",
        "답은 못 드려요",
        "계약이 된 거예요",
        "찾을 수 있을 거예요",
        "회의 중 아니시죠?",
        "더 필요한 건 없으시고요?",
        "성함 말씀해 주시겠어요?",
        "또 궁금하신 거 있으시면 전화 주세요",
        "하나 더 여쭤볼게요",
        "이만 끊을게요",
    ],
)
def test_what_is_no_promise(clause: str) -> None:
    assert not is_promise(clause)


@pytest.mark.parametrize(
    ("clause", "whose"),
    [
        ("다시 전화할게요", "speaker"),
        ("제가 할게", "speaker"),
        ("접수하겠습니다", "speaker"),
        ("사진 보내 주세요", "listener"),
        ("신분증을 챙기셔야 돼요", "listener"),
        ("담당자가 갈 거예요", None),
        ("이렇게", None),
    ],
)
def test_whose_a_promise_is(clause: str, whose: str | None) -> None:
    assert doer(clause) == whose


def test_what_is_promised_while_the_other_waits_is_done_in_the_call() -> None:
    assert makes_wait("네 확인해 보겠습니다. 잠시만요") and makes_wait("잠깐만 기다려 주세요")
    assert not makes_wait("잠시 후에 다시 전화드릴게요")


def test_a_summary_in_notes_keeps_its_evidence() -> None:
    lines = [Line("A", "네")] * 4 + [
        Line("A", "수거비 오만 원이 나옵니다."),
        Line("B", "삼십일 일까지 다시 전화할게요. 토요일은 쉬어요."),
        Line("A", "확인하겠습니다."),
        Line("A", "네, 그래요."),
    ]
    point = Item("수거비 <v>오만 원</v>이 나옵니다", (5,))
    actions = (
        Action("상담원", "<v>삼십일 일</v>까지 다시 전화할게요", "토요일", (6,)),
        Action("상담원", "확인하겠습니다", "찾아야겠네", (7,)),
        Action("고객", "확인하고", None, (7,)),
    )
    said = Summary("반품 반품 문의", point, (Topic("비용", (point,)),), actions, (), "shopping", "pending", "neutral")
    noted = in_notes(said, lines)
    assert noted.title == "반품 문의"
    assert noted.topics[0].points[0] == Item("수거비 <v>5만 원</v>이 나옴", (5,))
    assert [action.when for action in noted.actions] == ["31일까지", None]
    assert [action.who for action in noted.actions] == ["고객", "상담원"], "whose the promise is"
    assert [action.evidence for action in noted.actions] == [(6,), (7,)], "what promises nothing is left out"
