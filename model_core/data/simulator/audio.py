"""Simulated calls as sound: two voices on a time line with pauses, overlaps and hold tones, each over its own line.

It knows calls, voices and lines, and writes what it speaks; it does not know scripts or models.
`python -m model_core.data.simulator.audio --out FOLDER --count 6` writes calls with what was said beside them.
"""

import argparse
import json
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from model_core.data.call import Line, SimulatedCall
from model_core.data.simulator.expand import CallSimulator
from model_core.data.simulator.line import LINE_RATE_HZ, TelephoneLine, draw_line, transmit
from model_core.data.simulator.sound_files import FORMATS, write_sound
from model_core.data.simulator.voice import RATE_HZ, Voice, draw_voice, speak

Samples = npt.NDArray[np.float32]

PARTIES = ("A", "B")
HOLD_WORDS = ("잠시만", "잠깐만", "기다려")
HOLD_P, OVERLAP_P = 0.35, 0.12


@dataclass(frozen=True)
class SpokenTurn:
    """A turn of the call as it was spoken, with its place on the time line."""

    party: str
    text: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class CallAudio:
    """A spoken call: `samples` are (n, 2) float32 at 8 kHz, channel 0 is party A."""

    samples: Samples
    turns: tuple[SpokenTurn, ...]
    voices: tuple[Voice, Voice]
    rate_hz: int = LINE_RATE_HZ


def speak_call(
    call: SimulatedCall,
    seed: int,
    *,
    test_voices: bool = False,
    voices: tuple[Voice, Voice] | None = None,
    worst_db: float = 15.0,
) -> CallAudio:
    """Speak `call` with two voices (drawn by `seed` unless given), no noise nearer than `worst_db` to the speech.

    Raises SynthesisError when espeak-ng is missing or fails.
    """
    rng = random.Random(f"{seed}/{call.id}")
    pair = voices or (draw_voice(rng, test=test_voices), draw_voice(rng, test=test_voices))
    spoken = [speak(line.text, pair[PARTIES.index(line.party)]) for line in call.spoken]
    turns, holds = _laid_out(call.spoken, [sound.size / RATE_HZ for sound in spoken], rng)
    length = int((turns[-1].end_s + rng.uniform(0.4, 1.2)) * RATE_HZ) if turns else RATE_HZ
    tracks = np.zeros((2, length), dtype=np.float32)
    for turn, sound in zip(turns, spoken, strict=True):
        _add(tracks[PARTIES.index(turn.party)], sound, turn.start_s)
    for start_s, end_s in holds:
        _add(tracks[0], _hold_tone(end_s - start_s), start_s)
    lines = [call_line(rng, worst_db) for _ in PARTIES]
    heard = [transmit(track, line, rng) for track, line in zip(tracks, lines, strict=True)]
    return CallAudio(np.stack(heard, axis=1), turns, pair)


def call_line(rng: random.Random, worst_db: float) -> TelephoneLine:
    """Draw the G.711 line of a party: usable levels, no clipping worth hearing, noise `worst_db` or more below."""
    line = draw_line(rng, worst_db=worst_db)
    codec = "alaw" if line.codec == "alaw" else "mulaw"
    return replace(line, codec=codec, level_db=rng.uniform(-10, 2), clip=1.0, babble_db=None)


def _laid_out(
    lines: Sequence[Line], durations_s: Sequence[float], rng: random.Random
) -> tuple[tuple[SpokenTurn, ...], list[tuple[float, float]]]:
    turns: list[SpokenTurn] = []
    holds: list[tuple[float, float]] = []
    clock_s, before = rng.uniform(0.4, 1.2), ""
    for line, duration_s in zip(lines, durations_s, strict=True):
        if line.party != before and before and rng.random() < OVERLAP_P:
            clock_s -= min(rng.uniform(0.1, 0.4), turns[-1].end_s - turns[-1].start_s)
        else:
            clock_s += rng.triangular(0.15, 1.3, 0.45)
        turns.append(SpokenTurn(line.party, line.text, round(clock_s, 3), round(clock_s + duration_s, 3)))
        clock_s, before = clock_s + duration_s, line.party
        if line.party == "A" and rng.random() < HOLD_P and any(word in line.text for word in HOLD_WORDS):
            holds.append((clock_s + 0.4, clock_s + rng.uniform(2.5, 5.0)))
            clock_s = holds[-1][1] + 0.3
    return tuple(turns), holds


def _add(track: Samples, sound: Samples, start_s: float) -> None:
    start = int(start_s * RATE_HZ)
    part = sound[: max(0, track.size - start)]
    track[start : start + part.size] += part


def _hold_tone(duration_s: float) -> Samples:
    """A slow two-note waiting tone."""
    t = np.arange(int(duration_s * RATE_HZ), dtype=np.float32) / RATE_HZ
    pitch_hz = np.where((t // 0.6) % 2 == 0, 523.25, 659.25)
    swell = 0.5 - 0.5 * np.cos(2 * np.pi * t / 0.6)
    return np.asarray(0.12 * swell * np.sin(2 * np.pi * pitch_hz * t), dtype=np.float32)


def reference(call: SimulatedCall, audio: CallAudio) -> dict[str, object]:
    """Return what a reader of the recording should find, as plain data for JSON."""
    return {
        "call": asdict(call),
        "duration_s": round(audio.samples.shape[0] / audio.rate_hz, 3),
        "turns": [asdict(turn) for turn in audio.turns],
        "voices": [asdict(voice) for voice in audio.voices],
    }


def write_call(call: SimulatedCall, audio: CallAudio, folder: Path, kind: str, *, mono: bool = False) -> Path:
    """Write the sound of `call` and its reference (`.json`) into `folder`. Returns the path of the sound."""
    folder.mkdir(parents=True, exist_ok=True)
    samples = audio.samples.sum(axis=1, keepdims=True) * 0.7 if mono else audio.samples
    path = folder / f"{call.id}{FORMATS[kind]}"
    write_sound(path, samples.astype(np.float32), audio.rate_hz, kind)
    text = json.dumps(reference(call, audio), ensure_ascii=False, indent=1)
    path.with_suffix(".json").write_text(text, encoding="utf-8")
    return path


def main() -> None:
    """Read the command line and write calls."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder to write into")
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--split", choices=("train", "test"), default="test")
    parser.add_argument("--format", choices=sorted(FORMATS), default="mulaw")
    parser.add_argument("--mono", action="store_true", help="one channel with both parties")
    parser.add_argument("--test-voices", action="store_true", help="voices that training never hears")
    args = parser.parse_args()
    simulator = CallSimulator(args.split, args.seed)
    for index in range(args.count):
        call = simulator.call(index)
        audio = speak_call(call, args.seed, test_voices=args.test_voices)
        write_call(call, audio, args.out, args.format, mono=args.mono)


if __name__ == "__main__":
    main()
