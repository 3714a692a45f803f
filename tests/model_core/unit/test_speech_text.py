"""What the speech model writes: alphabets, clean sentences, error rates."""

import gzip
import random
import unicodedata

import pytest
from faster_whisper.tokenizer import Tokenizer as WhisperTokens
from hypothesis import given
from hypothesis import strategies as st

from model_core.speech.dataset import clean_sentence, lesson_at, mixed_texts, read_corpora
from model_core.speech.error_rate import character_error_rate, edit_distance
from model_core.speech.sources import call_texts
from model_core.speech.tokenizer import (
    NUM_JAMO,
    NUM_TIME_TOKENS,
    SPECIAL,
    jamo_ids,
    load_tokenizer,
    prompt_ids,
    save_tokenizer,
    special_id,
    text_of,
    train_tokenizer,
)

TEXTS = ["안녕하세요, 고객님.", "요금이 오만 사천 원 나왔습니다.", "네, 알겠습니다. 언제 오시나요?"] * 20
NUM_TEXT_TOKENS = 400


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tokenizer")
    save_tokenizer(train_tokenizer(TEXTS, NUM_TEXT_TOKENS), folder)
    return load_tokenizer(folder)


@given(st.text(max_size=40))
def test_any_text_survives(tokenizer, text):
    assert text_of(tokenizer, tokenizer.encode(text).ids) == text


def test_a_syllable_in_use_is_one_token(tokenizer):
    assert len(tokenizer.encode("안녕하세요, 고객님.").ids) == len("안녕하세요, 고객님.")


def test_special_and_time_tokens_stand_where_whisper_has_them(tokenizer):
    end = special_id(tokenizer, "<|endoftext|>")
    assert max(tokenizer.encode(" ".join(TEXTS)).ids) < end
    assert [special_id(tokenizer, name) for name in SPECIAL] == list(range(end, end + len(SPECIAL)))
    assert tokenizer.token_to_id("<|0.00|>") == special_id(tokenizer, "<|notimestamps|>") + 1
    assert tokenizer.get_vocab_size() == end + len(SPECIAL) + NUM_TIME_TOKENS
    assert tokenizer.token_to_id("<|30.00|>") == tokenizer.get_vocab_size() - 1


def test_prompt_is_the_one_that_faster_whisper_builds(tokenizer):
    theirs = WhisperTokens(tokenizer, multilingual=False)
    assert prompt_ids(tokenizer) == [*theirs.sot_sequence, theirs.no_timestamps]
    assert theirs.decode([*tokenizer.encode("네, 고객님.").ids, theirs.eot]) == "네, 고객님."


def test_missing_special_token_is_named(tokenizer):
    with pytest.raises(KeyError, match="nosuch"):
        special_id(tokenizer, "<|nosuch|>")


def test_jamo_are_sounds_without_spaces_marks_and_silent_leads():
    assert jamo_ids("아, 야?") == [20, 22]
    assert jamo_ids("각") == [1, 20, 41]
    assert jamo_ids("옹") == [28, 61]
    everything = "".join(chr(code) for code in range(0xAC00, 0xD7A4))
    assert set(jamo_ids(everything)) == set(range(1, NUM_JAMO)) - {12}


def test_jamo_do_not_depend_on_the_normal_form():
    assert jamo_ids(unicodedata.normalize("NFD", "값이 싸요")) == jamo_ids("값이 싸요")


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("정말..정말...재밌어요ㅋㅋㅋ!!", "정말. 정말. 재밌어요."),
        ("이거 뭐예요??", "이거 뭐예요?"),
        ("좋다 ,좋아", "좋다, 좋아."),
        ("DVD로 봤어요", None),
        ("20년 지났다", None),
        ("아", None),
        ("아아아아 좋다", None),
        ("띄어쓰기를하나도하지않은글", None),
        ("가" * 5 + " 나다" * 30, None),
    ],
)
def test_only_what_is_spoken_as_written_is_kept(line, wanted):
    assert clean_sentence(line) == wanted


def test_corpora_are_read_and_mixed_with_calls(tmp_path):
    for name, text in (
        ("chatbot-pairs.tsv.gz", "배고파\t밥 먹어요\n12시 땡\t가네요\n"),
        ("nsmc-reviews.txt.gz", "재미있는 영화\n"),
    ):
        with gzip.open(tmp_path / name, "wt", encoding="utf-8") as file:
            file.write(text)
    talk, reviews = read_corpora(tmp_path)
    assert (talk, reviews) == (["배고파.", "밥 먹어요.", "가네요."], ["재미있는 영화."])
    draw, rng = mixed_texts(talk, reviews, iter(["통화 문장."] * 500)), random.Random(1)
    drawn = [draw(rng) for _ in range(400)]
    assert 160 < drawn.count("통화 문장.") < 280
    assert {"배고파.", "재미있는 영화."} < set(drawn)


def test_call_texts_are_plain_hangul_and_splits_differ():
    train, test = ({next(texts) for _ in range(300)} for texts in (call_texts(1), call_texts(1, "test")))
    assert all(set(text) <= set(" .,?") | {c for c in text if "가" <= c <= "힣"} for text in train)
    assert len(train & test) < 60


def test_lessons_grow_longer_and_noisier():
    lessons = [lesson_at(step / 100) for step in range(101)]
    assert [lesson.longest_s for lesson in lessons] == sorted(lesson.longest_s for lesson in lessons)
    assert lessons[0].worst_db > lessons[-1].worst_db
    assert lessons[-1].longest_s <= 30


@pytest.mark.parametrize(
    ("a", "b", "edits"), [("가나다", "가다", 1), ("", "가", 1), ("가나", "나가", 2), ("같다", "같다", 0)]
)
def test_edit_distance(a, b, edits):
    assert edit_distance(a, b) == edit_distance(b, a) == edits


def test_error_rate_leaves_spaces_and_punctuation_aside():
    assert character_error_rate(["네, 알겠습니다."], ["네 알겠 습니다"]) == 0
    assert character_error_rate(["가나다라", "마바"], ["가나다", "마바"]) == pytest.approx(1 / 6)
    assert character_error_rate([""], ["소음"]) == 2
