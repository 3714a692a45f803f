"""Calls as sound: who speaks in which channel and when, and files that others can read."""

import json

import av
import numpy as np
import pytest

from model_core.data.call import Item, Line, SimulatedCall, Summary
from model_core.data.simulator.audio import speak_call, write_call
from model_core.data.simulator.errors import DataError
from model_core.data.simulator.sound_files import write_sound
from model_core.data.simulator.voice import Voice

LINES = (
    Line("A", "안녕하세요, 하늘통신입니다."),
    Line("B", "요금이 오만 사천 원 나왔는데요."),
    Line("A", "잠시만 기다려 주세요."),
    Line("B", "네, 알겠습니다."),
)
SUMMARY = Summary("요금 문의", Item("요금을 문의함", (2,)), (), (), (), "telecom", "informed", "neutral")
CALL = SimulatedCall("t-1", ("telecom.x",), "telecom", "test", LINES, LINES, SUMMARY, ())


@pytest.fixture(scope="module")
def audio():
    return speak_call(CALL, 3, voices=(Voice("f2"), Voice("m3")), worst_db=30.0)


def loudness(audio, channel, turn):
    part = audio.samples[int(turn.start_s * 8000) : int(turn.end_s * 8000), channel]
    return float(np.sqrt(np.mean(part**2)))


def test_each_party_speaks_in_its_own_channel(audio):
    for turn in audio.turns:
        own = "AB".index(turn.party)
        assert loudness(audio, own, turn) > 5 * loudness(audio, 1 - own, turn)


def test_turns_follow_one_another_and_end_before_the_sound_does(audio):
    starts = [turn.start_s for turn in audio.turns]
    assert starts == sorted(starts)
    assert [turn.text for turn in audio.turns] == [line.text for line in LINES]
    assert audio.turns[-1].end_s < audio.samples.shape[0] / 8000 < audio.turns[-1].end_s + 2


def test_a_seed_makes_the_same_call_again_and_another_seed_another():
    first, again, other = (speak_call(CALL, seed) for seed in (1, 1, 2))
    assert np.array_equal(first.samples, again.samples)
    assert first.samples.shape != other.samples.shape or not np.array_equal(first.samples, other.samples)


@pytest.mark.parametrize(
    ("kind", "codec", "rate_hz"),
    [("mulaw", "pcm_mulaw", 8000), ("alaw", "pcm_alaw", 8000), ("pcm", "pcm_s16le", 8000), ("opus", "opus", 48000)],
)
def test_files_open_elsewhere(audio, tmp_path, kind, codec, rate_hz):
    path = write_call(CALL, audio, tmp_path, kind)
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        assert (stream.codec_context.name, stream.rate, stream.channels) == (codec, rate_hz, 2)
        frames = [frame.to_ndarray() for frame in container.decode(stream)]
    length_s = sum(frame.shape[1] for frame in frames) / rate_hz / (1 if frames[0].shape[0] == 2 else 2)
    assert length_s == pytest.approx(audio.samples.shape[0] / 8000, abs=0.1)
    reference = json.loads(path.with_suffix(".json").read_text())
    assert [turn["text"] for turn in reference["turns"]] == [line.text for line in LINES]
    assert reference["call"]["summary"]["category"] == "telecom"


def test_mono_holds_both_parties(audio, tmp_path):
    path = write_call(CALL, audio, tmp_path, "pcm", mono=True)
    with av.open(str(path)) as container:
        sound = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)]) / 32768
    for turn in audio.turns:
        assert np.sqrt(np.mean(sound[int(turn.start_s * 8000) : int(turn.end_s * 8000)] ** 2)) > 0.005


@pytest.mark.parametrize(("shape", "kind"), [((10,), "pcm"), ((10, 3), "pcm"), ((10, 1), "mp3")])
def test_wrong_shape_or_kind_is_named(tmp_path, shape, kind):
    with pytest.raises(DataError, match=r"shape|mp3"):
        write_sound(tmp_path / "x.wav", np.zeros(shape, dtype=np.float32), 8000, kind)
