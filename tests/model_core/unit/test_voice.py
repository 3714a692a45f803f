"""Voices speak, differ, and those kept for tests never train."""

import random

import numpy as np
import pytest

from model_core.data.simulator.voice import (
    FEMALE,
    MALE,
    RATE_HZ,
    TEST_FEMALE,
    TEST_MALE,
    SynthesisError,
    Voice,
    draw_voice,
    speak,
)

TEXT = "네, 요금이 오만 사천 원 나왔습니다."


def test_speech_is_sound_at_16_khz_without_long_edges():
    samples = speak(TEXT, Voice("f2", 50, 160))
    assert samples.dtype == np.float32
    assert 1.5 < samples.size / RATE_HZ < 5.0
    assert 0.4 < np.abs(samples).max() <= 0.51
    assert np.abs(samples[: RATE_HZ // 4]).max() > 0.01


def test_faster_voice_is_shorter():
    slow, fast = (speak(TEXT, Voice("m1", 50, speed)).size for speed in (130, 220))
    assert fast < 0.8 * slow


def test_a_shorter_tract_shifts_the_spectrum_upwards():
    def centre_hz(samples):
        power = np.abs(np.fft.rfft(samples)) ** 2
        return float((power * np.fft.rfftfreq(samples.size, 1 / RATE_HZ)).sum() / power.sum())

    assert centre_hz(speak(TEXT, Voice("m1", tract=1.12))) > 1.05 * centre_hz(speak(TEXT, Voice("m1", tract=0.9)))


def test_held_out_variants_of_both_sexes_are_never_drawn_for_training():
    rng = random.Random(1)
    drawn = {draw_voice(rng).variant for _ in range(3000)}
    assert drawn == set(FEMALE) | set(MALE)
    assert drawn.isdisjoint(TEST_FEMALE + TEST_MALE)
    assert {draw_voice(rng, test=True).variant for _ in range(300)} == set(TEST_FEMALE) | set(TEST_MALE)


@pytest.mark.parametrize("variant", sorted(set(FEMALE + MALE + TEST_FEMALE + TEST_MALE)))
def test_every_variant_is_installed_and_its_own(variant):
    assert speak("안녕하세요.", Voice(variant)).size > RATE_HZ // 4
    if variant:
        assert not np.array_equal(speak("안녕하세요.", Voice(variant)), speak("안녕하세요.", Voice("no-such-variant")))


def test_missing_program_is_a_permanent_error(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(SynthesisError, match="install the Debian package espeak-ng") as caught:
        speak(TEXT, Voice("f1"))
    assert caught.value.permanent
