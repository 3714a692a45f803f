"""The telephone line: band limit, level, noise, companding, lost packets, and recordings that are not so narrow.

It changes samples and knows nothing of who speaks or what. G.711 goes through its real 8-bit codes.
"""

import random
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
import soxr
from scipy.signal import butter, lfilter, sosfilt

Samples = npt.NDArray[np.float32]

WIDE_RATE_HZ = 16_000
LINE_RATE_HZ = 8_000
PACKET_S = 0.02


@dataclass(frozen=True)
class TelephoneLine:
    """What a connection does to speech. Ratios and levels in dB, `noise_db` below the speech (None: silent line)."""

    codec: str  # "mulaw", "alaw" or "linear" at 8 kHz, "wide" leaves 16 kHz as it is
    low_hz: float = 300.0
    high_hz: float = 3400.0
    level_db: float = 0.0
    tilt: float = 0.0
    noise_kind: str = "white"
    noise_db: float | None = None
    babble_db: float | None = None
    hum_db: float | None = None
    correlated_db: float | None = None
    loss_rate: float = 0.0
    clip: float = 1.0


def draw_line(rng: random.Random, *, worst_db: float = 5.0) -> TelephoneLine:
    """Draw a connection between clean and `worst_db` of signal to noise; about one in six is wideband."""
    noisy, babble, old = rng.random() < 0.7, rng.random() < 0.12, rng.random() < 0.12
    return TelephoneLine(
        codec=rng.choice(("mulaw", "mulaw", "alaw", "alaw", "linear", "wide")),
        low_hz=rng.uniform(120, 330),
        high_hz=rng.uniform(2700, 3300) if old else rng.uniform(3300, 3700),
        level_db=rng.uniform(-22, 4),
        tilt=rng.uniform(-0.45, 0.45) if rng.random() < 0.6 else 0.0,
        noise_kind=rng.choice(("white", "pink", "brown")),
        noise_db=rng.triangular(worst_db, 45, worst_db + 13) if noisy else None,
        babble_db=rng.uniform(max(worst_db, 8), 25) if babble else None,
        hum_db=rng.uniform(15, 40) if rng.random() < 0.15 else None,
        correlated_db=rng.uniform(12, 25) if old else None,
        loss_rate=rng.uniform(0.005, 0.04) if rng.random() < 0.18 else 0.0,
        clip=rng.uniform(0.25, 0.6) if rng.random() < 0.08 else 1.0,
    )


def transmit(samples: Samples, line: TelephoneLine, rng: random.Random, babble: Samples | None = None) -> Samples:
    """Send (n,) float32 at 16 kHz over `line`. Returns float32 at 8 kHz, or at 16 kHz when the codec is "wide".

    `babble` is other people's speech at 16 kHz, repeated as needed; without it `line.babble_db` does nothing.
    """
    noise = np.random.default_rng(rng.getrandbits(63))
    loud = _loudness(samples)
    mixed = samples if line.tilt == 0.0 else _tilted(samples, line.tilt)
    if babble is not None and line.babble_db is not None and babble.size:
        mixed = mixed + _scaled(np.resize(babble, mixed.size), loud, line.babble_db)
    rate_hz = WIDE_RATE_HZ
    if line.codec != "wide":
        rate_hz = LINE_RATE_HZ
        mixed = soxr.resample(mixed, WIDE_RATE_HZ, LINE_RATE_HZ, quality="MQ")
        mixed = sosfilt(_band(line.low_hz, line.high_hz), mixed)
    if line.correlated_db is not None:
        mixed = mixed * (1 + 10 ** (-line.correlated_db / 20) * noise.standard_normal(mixed.size, dtype=np.float32))
    if line.noise_db is not None:
        mixed = mixed + _scaled(_noise(line.noise_kind, mixed.size, noise), loud, line.noise_db)
    if line.hum_db is not None:
        mixed = mixed + _scaled(_hum(mixed.size, rate_hz, rng), loud, line.hum_db)
    mixed = np.clip(mixed, -0.5 * line.clip, 0.5 * line.clip) * 10 ** (line.level_db / 20)
    mixed = np.clip(mixed, -1.0, 1.0).astype(np.float32)
    if line.loss_rate > 0:
        mixed = lose_packets(mixed, rate_hz, line.loss_rate, rng)
    return companded(mixed, line.codec) if line.codec in ("mulaw", "alaw") else mixed


def receive(samples: Samples, line: TelephoneLine) -> Samples:
    """Bring what came over the line to the 16 kHz of a speech model."""
    if line.codec == "wide":
        return samples
    return np.asarray(soxr.resample(samples, LINE_RATE_HZ, WIDE_RATE_HZ, quality="HQ"), dtype=np.float32)


def lose_packets(samples: Samples, rate_hz: int, loss_rate: float, rng: random.Random) -> Samples:
    """Lose 20 ms packets at random, hidden by repeating the last one at half its level, as simple receivers do."""
    size = int(PACKET_S * rate_hz)
    heard = samples.copy()
    for start in range(size, heard.size - size, size):
        if rng.random() < loss_rate:
            heard[start : start + size] = heard[start - size : start] * 0.5
    return heard


def companded(samples: Samples, law: str) -> Samples:
    """Return (n,) float32 as it comes back from G.711 `law` ("mulaw" or "alaw")."""
    return g711_decode(g711_encode(samples, law), law)


def g711_encode(samples: Samples, law: str) -> npt.NDArray[np.uint8]:
    """Code (n,) float32 in -1 to 1 as G.711 bytes. Source: ITU-T G.711 (1988), tables 1 and 2."""
    pcm = np.clip(np.round(samples * 32768.0), -32768, 32767).astype(np.int32)
    return _codes(law)[pcm + 32768]


def g711_decode(codes: npt.NDArray[np.uint8], law: str) -> Samples:
    """Turn G.711 bytes into (n,) float32 in -1 to 1."""
    return (_levels(law)[codes] / 32768.0).astype(np.float32)


@cache
def _levels(law: str) -> npt.NDArray[np.int32]:
    code = np.arange(256, dtype=np.int32)
    if law == "mulaw":
        flipped = ~code & 0xFF
        size = (((flipped & 0x0F) << 3) + 0x84) << ((flipped & 0x70) >> 4)
        return np.where(flipped & 0x80, 0x84 - size, size - 0x84).astype(np.int32)
    flipped = code ^ 0x55
    segment = (flipped & 0x70) >> 4
    size = ((flipped & 0x0F) << 4) + 8
    size = np.where(segment > 0, (size + 0x100) << np.maximum(segment - 1, 0), size)
    return np.where(flipped & 0x80, size, -size).astype(np.int32)


@cache
def _codes(law: str) -> npt.NDArray[np.uint8]:
    levels = _levels(law)
    order = np.argsort(levels, kind="stable")
    middles = (levels[order][1:] + levels[order][:-1]) / 2
    return order[np.searchsorted(middles, np.arange(-32768, 32768))].astype(np.uint8)


@cache
def _band_coded(low_10hz: int, high_10hz: int) -> npt.NDArray[np.float64]:
    band = butter(3, (low_10hz * 10, high_10hz * 10), btype="bandpass", fs=LINE_RATE_HZ, output="sos")
    return np.asarray(band)


def _band(low_hz: float, high_hz: float) -> npt.NDArray[np.float64]:
    return _band_coded(int(low_hz / 10), int(high_hz / 10))


def _tilted(samples: Samples, tilt: float) -> Samples:
    return np.asarray(lfilter([1.0, tilt], [1.0], samples), dtype=np.float32)


def _loudness(samples: Samples) -> float:
    """Root mean square of the stretches that hold speech (within 20 dB of the loudest), so that pauses do not count."""
    frames = samples[: samples.size // 320 * 320].reshape(-1, 320)
    if frames.size == 0:
        return 1e-3
    power = (frames**2).mean(axis=1)
    return float(np.sqrt(power[power >= 0.01 * power.max()].mean()) + 1e-4)


def _scaled(sound: npt.NDArray[np.floating], speech_rms: float, below_db: float) -> Samples:
    rms = float(np.sqrt(np.mean(sound**2)) + 1e-9)
    return (sound * (speech_rms / rms * 10 ** (-below_db / 20))).astype(np.float32)


def _noise(kind: str, size: int, noise: np.random.Generator) -> Samples:
    white = noise.standard_normal(size, dtype=np.float32)
    if kind == "white":
        return white
    pole = 0.7 if kind == "pink" else 0.95
    return np.asarray(lfilter([1.0], [1.0, -pole], white), dtype=np.float32)


def _hum(size: int, rate_hz: int, rng: random.Random) -> Samples:
    base_hz = rng.choice((50.0, 60.0))
    t = np.arange(size, dtype=np.float32) * np.float32(2 * np.pi * base_hz / rate_hz)
    waves = [rng.uniform(0.1, 1.0) * np.sin(t * k) for k in (1, 2, 3, 5)]
    return np.asarray(np.sum(waves, axis=0), dtype=np.float32)
