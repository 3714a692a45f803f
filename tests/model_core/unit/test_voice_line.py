"""The telephone line: G.711 by the book, bands, noise at the level asked for, packets."""

import audioop
import random

import numpy as np
import pytest

from model_core.data.simulator.line import (
    TelephoneLine,
    companded,
    draw_line,
    g711_decode,
    g711_encode,
    lose_packets,
    receive,
    transmit,
)

CODES = bytes(range(256))
RATE_HZ = 16_000


def tone(hz, seconds=1.0, rate_hz=RATE_HZ):
    t = np.arange(int(seconds * rate_hz), dtype=np.float32) / rate_hz
    return (0.3 * np.sin(2 * np.pi * hz * t)).astype(np.float32)


def rms(samples):
    return float(np.sqrt(np.mean(np.square(samples))))


@pytest.mark.parametrize(("law", "decode"), [("mulaw", audioop.ulaw2lin), ("alaw", audioop.alaw2lin)])
def test_codes_mean_what_the_standard_says(law, decode):
    wanted = np.frombuffer(decode(CODES, 2), dtype=np.int16)
    assert np.array_equal(g711_decode(np.frombuffer(CODES, dtype=np.uint8), law) * 32768, wanted)


@pytest.mark.parametrize("law", ["mulaw", "alaw"])
def test_every_sample_gets_its_nearest_level(law):
    samples = np.arange(-32768, 32768, dtype=np.float32) / 32768
    levels = np.sort(g711_decode(np.frombuffer(CODES, dtype=np.uint8), law))
    nearest = np.abs(samples[::37, None] - levels[None]).min(axis=1)
    assert np.allclose(np.abs(companded(samples, law) - samples)[::37], nearest, atol=1e-7)


def test_companding_twice_changes_nothing_more():
    once = companded(tone(700), "mulaw")
    assert np.array_equal(companded(once, "mulaw"), once)
    assert np.array_equal(g711_encode(once, "mulaw"), g711_encode(companded(once, "mulaw"), "mulaw"))


@pytest.mark.parametrize(("hz", "least_db", "most_db"), [(1000, -1, 1), (60, -90, -20), (5000, -90, -40)])
def test_band_keeps_speech_and_drops_what_is_outside(hz, least_db, most_db):
    heard = transmit(tone(hz), TelephoneLine("linear"), random.Random(1))
    assert heard.size == 8000
    assert least_db < 20 * np.log10(rms(heard[800:]) / rms(tone(hz)) + 1e-9) < most_db


@pytest.mark.parametrize("ratio_db", [20.0, 10.0, 5.0])
def test_noise_lies_as_far_below_the_speech_as_asked(ratio_db):
    silent = transmit(tone(1000), TelephoneLine("linear"), random.Random(1))
    noisy = transmit(tone(1000), TelephoneLine("linear", noise_db=ratio_db), random.Random(1))
    measured_db = 20 * np.log10(rms(silent[400:]) / rms((noisy - silent)[400:]))
    assert measured_db == pytest.approx(ratio_db, abs=1.0)


def test_wideband_recordings_stay_as_they_are():
    line = TelephoneLine("wide")
    assert np.allclose(receive(transmit(tone(5000), line, random.Random(1)), line), tone(5000))


def test_telephone_sound_comes_back_at_16_khz():
    line = TelephoneLine("alaw")
    assert receive(transmit(tone(1000), line, random.Random(1)), line).size == RATE_HZ


def test_lost_packets_repeat_the_last_one_quieter():
    samples = tone(440, rate_hz=8000)
    heard = lose_packets(samples, 8000, 0.5, random.Random(1))
    packets, sent = heard.reshape(-1, 160), samples.reshape(-1, 160)
    lost = [i for i in range(1, 50) if not np.array_equal(packets[i], sent[i])]
    assert 10 < len(lost) < 40
    assert all(np.allclose(packets[i], packets[i - 1] * 0.5) for i in lost)


def test_babble_is_added_only_when_there_is_any():
    line = TelephoneLine("linear", babble_db=10.0)
    alone = transmit(tone(1000), line, random.Random(1))
    crowded = transmit(tone(1000), line, random.Random(1), babble=tone(600, 0.3))
    assert np.array_equal(alone, transmit(tone(1000), TelephoneLine("linear"), random.Random(1)))
    assert rms(crowded - alone) > 0.02


def test_drawn_lines_cover_every_codec_and_keep_to_the_worst_ratio():
    lines = [draw_line(random.Random(seed), worst_db=8.0) for seed in range(400)]
    assert {line.codec for line in lines} == {"mulaw", "alaw", "linear", "wide"}
    assert min(line.noise_db for line in lines if line.noise_db is not None) >= 8.0
    assert any(line.noise_db is None for line in lines)
    assert any(line.loss_rate > 0 for line in lines)
