"""The voices of the simulator: Korean text spoken by espeak-ng in many variants, pitches and speeds.

It knows names of variants and how to run the program; it does not know telephone lines, calls or training.
Several whole variants of both sexes are kept for tests and are never drawn for training.
"""

import io
import random
import subprocess
import wave
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
import soxr

from model_core.data.simulator.errors import DataError

Samples = npt.NDArray[np.float32]

RATE_HZ = 16_000
TIMEOUT_S = 30.0

FEMALE = (
    "f1",
    "f2",
    "f4",
    "f5",
    "Alicia",
    "Andrea",
    "Annie",
    "anika",
    "aunty",
    "belinda",
    "grandma",
    "steph",
    "steph3",
)
MALE = (
    *(
        "m1",
        "m2",
        "m3",
        "m5",
        "m6",
        "m7",
        "m8",
        "adam",
        "Alex",
        "antonio",
        "benjamin",
        "boris",
        "caleb",
        "david",
        "Denis",
    ),
    *("Diogo", "ed", "edward", "Gene", "grandpa", "gustave", "Henrique", "Hugo", "iven", "iven3", "iven4", "Jacky"),
    *(
        "john",
        "kaukovalta",
        "klatt2",
        "klatt4",
        "klatt5",
        "Lee",
        "Marco",
        "Mario",
        "max",
        "Michael",
        "michel",
        "miguel",
    ),
    *("Mike", "Nguyen", "norbert", "pablo", "paul", "pedro", "quincy", "rob", "robert", "sandro", "shelby", "travis"),
    *("victor", "zac", ""),
)
TEST_FEMALE = ("f3", "linda", "steph2")
TEST_MALE = ("m4", "Andy", "edward2", "Gene2", "iven2", "marcelo")
# Most recordings made with this synthesizer use the plain numbered variants, so they are drawn more often.
PLAIN = ("f1", "f2", "f4", "f5", "m1", "m2", "m3", "m5", "m6", "m7", "m8", "")
PITCH = (15, 90)
SPEED_WPM = (120, 230)
TRACT = (0.87, 1.15)


class SynthesisError(DataError):
    """A text could not be spoken; `permanent` says that trying again will not help."""

    def __init__(self, message: str, *, permanent: bool) -> None:
        super().__init__(message)
        self.permanent = permanent


@dataclass(frozen=True)
class Voice:
    """One speaker: an espeak-ng variant ("" is the plain voice), pitch 0 to 99, words a minute, and the factor by
    which the whole spectrum is shifted afterwards (a shorter or longer vocal tract)."""

    variant: str
    pitch: int = 50
    speed_wpm: int = 165
    tract: float = 1.0


def draw_voice(rng: random.Random, *, test: bool = False, female: bool | None = None) -> Voice:
    """Draw a speaker; `test` draws from the variants that training never hears, `female` fixes the sex."""
    is_female = rng.random() < 0.5 if female is None else female
    if test:
        pool: tuple[str, ...] = TEST_FEMALE if is_female else TEST_MALE
    else:
        pool = FEMALE if is_female else MALE
        if rng.random() < 0.35:
            pool = tuple(name for name in pool if name in PLAIN)
    speed_wpm = int(min(max(rng.gauss(170, 28), SPEED_WPM[0]), SPEED_WPM[1]))
    tract = 1.0 if test or rng.random() < 0.4 else rng.uniform(*TRACT)
    return Voice(rng.choice(pool), rng.randint(*PITCH), speed_wpm, tract)


@cache
def _program_options(variant: str) -> tuple[str, ...]:
    return ("espeak-ng", "-v", f"ko+{variant}" if variant else "ko", "--stdin", "--stdout", "-b", "1")


def speak(text: str, voice: Voice) -> Samples:
    """Speak `text` (UTF-8 Hangul, numbers by name). Returns (n,) float32 at 16 kHz, peak about 0.5, edges trimmed.

    Raises SynthesisError: espeak-ng is missing or fails (permanent), or takes longer than 30 s (not permanent).
    """
    options = (*_program_options(voice.variant), "-p", str(voice.pitch), "-s", str(voice.speed_wpm))
    try:
        done = subprocess.run(options, input=text.encode(), capture_output=True, timeout=TIMEOUT_S, check=False)
    except FileNotFoundError as error:
        raise SynthesisError(
            "espeak-ng is not installed; install the Debian package espeak-ng", permanent=True
        ) from error
    except subprocess.TimeoutExpired as error:
        raise SynthesisError(
            f"espeak-ng took longer than {TIMEOUT_S:.0f} s for {len(text)} letters", permanent=False
        ) from error
    if done.returncode != 0 or len(done.stdout) <= 44:
        raise SynthesisError(f"espeak-ng gave no sound for {len(text)} letters, code {done.returncode}", permanent=True)
    samples, rate_hz = _read_wave(done.stdout)
    # Taking the rate for another one shifts pitch and formants together, as another vocal tract would.
    spoken = soxr.resample(samples, rate_hz * voice.tract, RATE_HZ, quality="MQ")
    return _trim(np.asarray(spoken, dtype=np.float32))


def _read_wave(data: bytes) -> tuple[Samples, int]:
    with wave.open(io.BytesIO(data)) as reader:
        rate_hz = reader.getframerate()
    # The header of a stream claims two gigabytes; the samples are what follows it.
    pcm = np.frombuffer(data[44 : 44 + (len(data) - 44) // 2 * 2], dtype="<i2")
    return pcm.astype(np.float32) / 32768.0, rate_hz


def _trim(samples: Samples, floor: float = 0.003, margin_s: float = 0.04) -> Samples:
    loud = np.flatnonzero(np.abs(samples) > floor)
    if loud.size == 0:
        return samples
    margin = int(margin_s * RATE_HZ)
    cut = samples[max(0, loud[0] - margin) : loud[-1] + margin]
    peak = float(np.abs(cut).max())
    return np.asarray(cut * (0.5 / peak), dtype=np.float32)
