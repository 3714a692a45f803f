"""The refinery's stages one by one: spelling, language, quality, duplicates, evaluation texts."""

import random
import unicodedata

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from model_core.data.refinery.boilerplate import strip_boilerplate
from model_core.data.refinery.decontaminate import EvaluationIndex
from model_core.data.refinery.documents import Document
from model_core.data.refinery.duplicates import DuplicateIndex, Fingerprinter
from model_core.data.refinery.language import identify
from model_core.data.refinery.normalize import normalize
from model_core.data.refinery.quality import quality_reason
from model_core.data.refinery.settings import ContaminationLimits, DuplicateLimits, QualityLimits, RefinerySettings
from model_core.data.refinery.shingles import compact, window_hashes
from model_core.data.refinery.stages import REASONS, evaluation_index, refine
from model_core.errors import ConfigError
from tests.model_core.unit.refinery_cases import korean_text, nearly, respelled

ANY_TEXT = st.text(st.characters(), max_size=60)
ODD_TEXT = st.text(
    st.sampled_from("가각ᄀ\u1161\u11a8ㅋㅠａＡ１ﾡￂ`\u1fef\u0301e \t\u3000\xa0\n\r\x85\u200b\ufeff\ud800…！~∼-"),
    max_size=30,
)


@settings(max_examples=150, deadline=None)
@given(st.one_of(ANY_TEXT, ODD_TEXT))
@example("\u1fef")
@example("e\u200b\u0301")
@example("a\u200b \n\u3164 b")
def test_one_spelling_stays_as_it_is(text: str) -> None:
    once, _ = normalize(text)
    again, counts = normalize(once)
    assert again == once
    assert not counts
    assert unicodedata.is_normalized("NFC", once)
    assert not any(unicodedata.category(letter) in ("Cs", "Co") for letter in once)
    assert "  " not in once
    assert not once.startswith((" ", "\n"))


def test_decomposed_and_wide_letters_become_the_usual_ones() -> None:
    text = unicodedata.normalize("NFD", "환불 요청") + "\u200b ＡＢＣ１２３ “네”… ﾰﾰ ㅋㅋㅋㅋㅋㅋ"
    assert normalize(text)[0] == '환불 요청 ABC123 "네"... ㅊㅊ ㅋㅋㅋ'.replace("ㅊㅊ", normalize("ﾰﾰ")[0])
    assert set(normalize("ﾰﾰ")[0]) <= set(map(chr, range(0x3131, 0x318F)))
    assert normalize(text)[1]["invisible"] == 1


@settings(max_examples=50, deadline=None)
@given(st.text(st.characters(min_codepoint=0xAC00, max_codepoint=0xD7A3), min_size=1, max_size=30))
def test_syllables_and_numbers_are_never_changed(syllables: str) -> None:
    text = f"{syllables} 1,234원 {syllables}"
    assert normalize(text) == (text, {})


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("안녕하세요, 주문하신 상품이 오늘 오후에 도착할 예정입니다.", "ko"),
        ("네 WiFi 공유기 재부팅 해보셨어요? SSID가 안 보이시는 거죠?", "ko"),
        ("꿻뛟쉚뛟 꿻쀍뛟쉚 뷁쉚뛟꿻 쀍뷁", "und"),
        ("Thank you for calling, how can I help you with your order?", "en"),
        ("お電話ありがとうございます。ご注文の件でしょうか。", "ja"),
        ("您好，请问您的订单号是多少？", "zh"),
        ("Здравствуйте, чем могу помочь?", "ru"),
        ("Cảm ơn bạn đã gọi, tôi có thể giúp gì cho bạn", "vi"),
        ("12345 --- !!!", "und"),
    ],
)
def test_languages_are_told_apart(text: str, code: str) -> None:
    assert identify(text).code == code


REPEATED = "어제는 고객이 매장에서 영수증을 직원에게 맡겼어요.\n"
BAD_TEXTS = {
    "too_short": "네 알겠습니다",
    "too_long": "가나다 " * 40_000,
    "broken_encoding": "주문하신 상품이 \ufffd\ufffd 도착할 예정입니다",
    "jamo_laughs": "ㅋㅋㅋ 진짜 ㅠㅠ ㅋㅋㅋ 그래요 ㅋㅋ 맞아 ㅎㅎㅎ ㅋㅋㅋ 아니 ㅋㅋㅋ 그게",
    "digits": "번호는요 12345678 23456789 34567890 그리고요 45678901 이거에요",
    "symbols": "주문하신 ★★★ 상품이 ◆◆◆ 오늘 도착할 ■■■ 예정입니다",
    "character_run": "아니이이이이이이이이이이이이이이이이이 그게 무슨 말씀이세요 정말",
    "word_length": "주문하신상품이오늘오후에도착할예정이라고말씀드렸습니다",
    "repeated_lines": REPEATED * 6,
    "repeated_words": "그러니까 제가 말씀을 드린 건데 " * 12,
    "no_function_words": "냉장 세탁 우산 안경 커튼 화분 지갑 공항 호텔 시장 병원 "
    "학원 은행 식당 공장 매장 침실 책상 연필 공책 옷장",
}


@pytest.mark.parametrize("reason", BAD_TEXTS)
def test_each_rule_names_its_reason(reason: str) -> None:
    assert quality_reason(normalize(BAD_TEXTS[reason])[0], QualityLimits()) == reason
    assert reason in REASONS


def test_good_calls_pass() -> None:
    rng = random.Random(2)
    for _ in range(50):
        assert quality_reason(korean_text(rng), QualityLimits()) is None
    call = (
        "A: 네, 상담원입니다.\nB: 네.\nA: 환불 접수는 오늘 중으로 처리해 드릴게요.\nB: 네.\nA: 네.\nB: 네, 감사합니다."
    )
    assert quality_reason(call, QualityLimits()) is None


def test_boilerplate_goes_and_speech_stays() -> None:
    text = "어제 산 우산이 고장 났어요.\n무단 전재 및 재배포 금지\n구독과 좋아요 부탁드립니다\nA: 쿠키 좀 사다 주세요."
    assert strip_boilerplate(text) == ("어제 산 우산이 고장 났어요.\nA: 쿠키 좀 사다 주세요.", 2)


def test_windows_are_hashed_in_order_and_apart() -> None:
    letters = compact("오늘, 오후에 도착할 예정입니다! 오늘 오후에")
    assert letters == "오늘오후에도착할예정입니다오늘오후에"
    hashes = window_hashes(letters, 5)
    assert len(hashes) == len(letters) - 4
    assert hashes[0] == hashes[-1]
    assert len(np.unique(hashes)) == len(hashes) - 1
    assert len(window_hashes("짧다", 5)) == 0


def _jaccard(one: str, two: str, size: int) -> float:
    first, second = ({text[at : at + size] for at in range(len(text) - size + 1)} for text in (one, two))
    return len(first & second) / len(first | second)


def test_planted_duplicates_are_found_and_others_kept() -> None:
    rng = random.Random(7)
    limits = DuplicateLimits()
    maker, index = Fingerprinter(limits), DuplicateIndex(limits)
    originals = [korean_text(rng, 10) for _ in range(120)]
    for key, text in enumerate(originals):
        assert index.add(key, maker.fingerprint(text)) is None
    missed = 0
    for key, text in enumerate(originals[:60]):
        exact = index.add(1000 + key, maker.fingerprint(respelled(text)))
        assert exact is not None
        assert (exact.reason, exact.original) == ("exact_duplicate", key)
        changed = nearly(text, rng, 0.015)
        truth = _jaccard(compact(text), compact(changed), limits.shingle)
        near = index.add(2000 + key, maker.fingerprint(changed))
        if near is None:
            # An estimate over 128 permutations may fall short of 0.8 where the truth is near it.
            missed += truth > 0.88
        else:
            assert (near.reason, near.original) == ("near_duplicate", key)
            assert near.similarity == pytest.approx(truth, abs=0.15)
    assert missed <= 2
    half = originals[0].split("\n")[:5] + originals[1].split("\n")[:5]
    assert index.add(3000, maker.fingerprint("\n".join(half))) is None


@settings(max_examples=30, deadline=None)
@given(ANY_TEXT, st.sampled_from((" ", "\n", "!", " ?")))
def test_blanks_and_punctuation_make_no_other_text(text: str, between: str) -> None:
    maker = Fingerprinter(DuplicateLimits(permutations=16))
    assert maker.fingerprint(between.join(text)).digest == maker.fingerprint(text).digest


def test_an_evaluation_text_is_found_inside_another_in_any_spelling() -> None:
    rng = random.Random(3)
    items = [korean_text(rng, 3) for _ in range(20)]
    index = EvaluationIndex([*items, "네"], ContaminationLimits())
    assert (index.items, index.ignored) == (20, 1)
    for item in items:
        assert index.contaminated(korean_text(rng, 20) + "\n" + respelled(item))
        assert index.contaminated(item.split("\n")[0] + item.split("\n")[1])
    assert not any(index.contaminated(korean_text(rng, 12)) for _ in range(40))
    item_share, text_share = index.overlap(items[4])
    assert (item_share, text_share) == (1.0, 1.0)


def test_a_shared_greeting_is_no_leak() -> None:
    greeting = "안녕하세요, 행복을 드리는 상담원입니다. 무엇을 도와드릴까요?\n"
    rng = random.Random(5)
    index = EvaluationIndex([greeting + korean_text(rng, 8)], ContaminationLimits())
    assert not index.contaminated(greeting + korean_text(rng, 8))


def test_evaluation_texts_are_found_whatever_number_their_people_have() -> None:
    item = "제 이름은 이서연이고요 어제 맡긴 세탁기를 오늘 저녁에 찾으러 가도 되는지 여쭤보려고 전화드렸어요."
    index = evaluation_index([Document("e", item)], RefinerySettings())
    text = "김민수 고객님 안녕하세요. 박지훈 고객님도 안녕하세요.\n" + item
    refined = refine(Document("d", text), RefinerySettings(), index)
    assert refined.reason == "evaluation"


@settings(max_examples=100, deadline=None)
@given(st.one_of(ANY_TEXT, ODD_TEXT))
def test_any_text_is_kept_or_dropped_with_a_known_reason(text: str) -> None:
    refined = refine(Document("x", text), RefinerySettings())
    assert (refined.text is None) == (refined.reason is not None)
    assert refined.reason is None or refined.reason in REASONS
    assert all(count > 0 for count in refined.changes.values())


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"shard_documents": 0}, "shard_documents is 0"),
        ({"min_korean": 0.0}, "min_korean is 0.0"),
        ({"duplicates": DuplicateLimits(threshold=1.5)}, "threshold is 1.5"),
    ],
)
def test_limits_that_cannot_work_are_refused(fields: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        RefinerySettings(**fields)  # type: ignore[arg-type]
