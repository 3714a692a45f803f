"""Small engines: voices told apart, invented text, bleeding channels, the extractive summary, verification."""

import random

import numpy as np
import pytest

from model_core.data.simulator.expand import CallSimulator
from model_core.data.simulator.line import TelephoneLine, receive, transmit
from model_core.data.simulator.voice import Voice, speak
from workers.contracts.summary import ActionItem, CallSummary, Statement, Topic, Value
from workers.contracts.transcript import Segment
from workers.engines.asr import _Heard, drop_bleed
from workers.engines.diarize import assign_parties
from workers.engines.extractive import extract, nobody_spoke
from workers.engines.hallucination import is_invented
from workers.engines.verify import trustworthy, verify

RATE_HZ = 16_000


def _voice(hz: float, seconds: float, tilt: float, seed: int) -> np.ndarray:
    """A buzz with a fundamental of `hz` whose overtones fall off by `tilt`, like a voice, with a wobble."""
    times = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    wobble = hz * (1 + 0.03 * np.sin(2 * np.pi * 3 * times + seed))
    phase = 2 * np.pi * np.cumsum(wobble) / RATE_HZ
    return np.asarray(sum(np.sin(k * phase) / k**tilt for k in range(1, 20)), dtype=np.float32) * 0.1


def test_two_voices_on_one_track_are_told_apart() -> None:
    parts, segments, at_s = [], [], 0.0
    for number in range(1, 11):
        who = number % 2
        seconds = 1.0 + 0.1 * number
        parts += [_voice((110, 210)[who], seconds, (0.8, 1.4)[who], number), np.zeros(4000, np.float32)]
        segments.append(Segment(number, "?", at_s, at_s + seconds, "말", 1.0))
        at_s += seconds + 0.25
    parties = [segment.party for segment in assign_parties(segments, np.concatenate(parts))]
    assert parties == ["A", "B"] * 5


def test_one_voice_stays_one_party() -> None:
    parts, segments = [], []
    for number in range(1, 7):
        parts.append(_voice(150 + number, 1.0, 1.0, number))
        segments.append(Segment(number, "?", number - 1.0, float(number), "말", 1.0))
    assert {segment.party for segment in assign_parties(segments, np.concatenate(parts))} == {"A"}


@pytest.mark.parametrize("voices", [("f3", "m4"), ("Andy", "edward2"), ("linda", "steph2")])
def test_spoken_voices_are_told_apart_over_a_line(voices: tuple[str, str]) -> None:
    texts = [line.text for line in CallSimulator("test", 5).call(1).spoken if len(line.text) > 8][:14]
    rng, parts, segments, at_s = random.Random(3), [], [], 0.0
    for number, text in enumerate(texts, 1):
        said = speak(text, Voice(voices[number % 2], pitch=50))
        parts += [said, np.zeros(4000, np.float32)]
        segments.append(Segment(number, "?", at_s, at_s + said.size / RATE_HZ, text, 1.0))
        at_s += (said.size + 4000) / RATE_HZ
    line = TelephoneLine("mulaw", noise_db=25.0, noise_kind="pink")
    heard = receive(transmit(np.concatenate(parts), line, rng), line)
    assert [segment.party for segment in assign_parties(segments, heard)] == ["A", "B"] * 7
    alone = [segment for segment in segments if segment.number % 2]
    assert {segment.party for segment in assign_parties(alone, heard)} == {"A"}


@pytest.mark.parametrize(
    ("text", "duration_s", "confidence", "invented"),
    [
        ("네 알겠습니다", 1.2, 0.9, False),
        ("네", 0.3, 0.8, False),
        ("", 1.0, 0.9, True),
        ("시청해주셔서 감사합니다", 2.0, 0.5, True),
        ("아 아 아 아 아 아 아 아 아", 3.0, 0.9, True),
        ("요금이 요금이 요금이 요금이 요금이 요금이 요금이", 3.0, 0.9, True),
        ("이번 달 요금이 너무 많이 나왔는데 확인해 주세요", 0.6, 0.9, True),
        ("이번 달 요금이 너무 많이 나왔는데 확인해 주세요", 3.0, 0.05, True),
    ],
)
def test_invented_text(text: str, duration_s: float, confidence: float, invented: bool) -> None:
    assert is_invented(text, duration_s, confidence) is invented


def test_crosstalk_is_dropped_and_true_overlap_kept() -> None:
    loud = _Heard(0, 1.0, 3.0, "내일 오후에 다시 전화드릴게요", 0.9, 0.2)
    bleed = _Heard(1, 1.1, 2.9, "내일 오후에 다시 전화드릴게", 0.5, 0.02)
    overlap = _Heard(1, 1.5, 2.5, "네 알겠습니다", 0.9, 0.1)
    assert drop_bleed([loud, bleed, overlap]) == [loud, overlap]


SEGMENTS = [
    Segment(1, "A", 0, 2, "네 하늘통신입니다", 1.0),
    Segment(2, "B", 2, 6, "이번 달 요금이 오만 사천 원 나왔는데 확인 부탁드려요", 1.0),
    Segment(3, "A", 6, 10, "로밍 요금이 청구되었습니다. 내일 오후 세 시까지 환불해 드릴게요", 1.0),
]


def _summary(**changes: object) -> CallSummary:
    point = Statement(text="이번 달 요금이 54,000원 청구됨", evidence=(2,))
    values: dict[str, object] = {
        "title": "요금 문의",
        "one_line": Statement(text="요금 오만 사천 원 청구를 확인하고 로밍 요금을 환불하기로 함", evidence=(2, 3)),
        "topics": (Topic(title="요금", points=(point,)),),
        "actions": (ActionItem(who="상담원", what="로밍 요금 환불", when="내일 오후 세 시까지", evidence=(3,)),),
    }
    return CallSummary.model_validate(values | changes)


def test_values_are_found_across_spellings() -> None:
    verified = verify(_summary(), SEGMENTS)
    assert verified.unsupported == 0
    assert "54,000원" in [value.normalized for value in verified.topics[0].points[0].values]
    assert trustworthy(verified, SEGMENTS)


def test_an_unsupported_amount_is_flagged_counted_and_kept_out_of_the_headline() -> None:
    wrong = _summary(one_line=Statement(text="요금 육만 원을 환불하기로 함", evidence=(2, 3)))
    verified = verify(wrong, SEGMENTS)
    assert verified.unsupported == 1
    assert "육만" not in verified.one_line.text
    assert verified.one_line.text == "이번 달 요금이 54,000원 청구됨"


def test_a_value_of_another_segment_does_not_count() -> None:
    point = Statement(text="요금 오만 사천 원", evidence=(1,))
    assert verify(_summary(topics=(Topic(title="요금", points=(point,)),)), SEGMENTS).unsupported == 1


def test_a_name_that_nobody_said_is_flagged() -> None:
    point = Statement(text="김민수 고객의 요금 문의", evidence=(2,), values=(Value(text="김민수", kind="name"),))
    verified = verify(_summary(topics=(Topic(title="요금", points=(point,)),)), SEGMENTS)
    assert verified.topics[0].points[0].supported is False


def test_a_fluent_summary_of_another_call_is_not_trusted() -> None:
    other = _summary(
        topics=(Topic(title="예약", points=(Statement(text="한우 모둠 예약을 인원 변경함", evidence=(2,)),)),),
        actions=(ActionItem(who="직원", what="주차 자리 마련", evidence=(3,)),),
    )
    assert not trustworthy(verify(other, SEGMENTS), SEGMENTS)


def test_the_extractive_summary_says_only_what_was_said() -> None:
    summary = extract(SEGMENTS)
    said = {segment.number: segment.text for segment in SEGMENTS}
    points = [point for topic in summary.topics for point in topic.points]
    assert summary.method == "extractive" and points
    assert all(point.text == said[point.evidence[0]] for point in [*points, summary.one_line])
    assert any(value.normalized == "54,000원" for point in points for value in point.values)


def test_silence_says_that_nobody_spoke() -> None:
    assert nobody_spoke().method == "empty"
