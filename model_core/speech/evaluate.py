"""Measure a speech model as it is used: WhisperX on the converted folder, held-out scripts in held-out voices.

`python -m model_core.speech.evaluate --model pretrained/speech-mini --json results.json`. It knows the folder and the
simulator's test split; it does not know how the model was trained.
"""

import argparse
import contextlib
import json
import logging
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from model_core.data.simulator.line import TelephoneLine, receive, transmit
from model_core.data.simulator.voice import RATE_HZ, TEST_FEMALE, TEST_MALE, Voice, speak
from model_core.speech.error_rate import character_error_rate
from model_core.speech.sources import call_texts

Samples = npt.NDArray[np.float32]
Transcribe = Callable[[Sequence[Samples]], list[str]]

SEED = 7_001
LINES = {
    "wideband, clean": TelephoneLine("wide"),
    "G.711, clean": TelephoneLine("mulaw"),
    "G.711, 20 dB": TelephoneLine("alaw", noise_db=20.0, noise_kind="pink"),
    "G.711, 10 dB": TelephoneLine("mulaw", noise_db=10.0, noise_kind="pink"),
    "G.711, 5 dB": TelephoneLine("alaw", noise_db=5.0, noise_kind="white"),
    "G.711, 2 % of packets lost": TelephoneLine("mulaw", noise_db=30.0, loss_rate=0.02),
}
SPEEDS_WPM = (140, 165, 190, 215)


@dataclass(frozen=True)
class Spoken:
    """A held-out turn: who says it, over which line, what is said and what the recognizer gets to hear (16 kHz)."""

    variant: str
    line: str
    text: str
    samples: Samples


def heldout_turns(per_voice: int, seed: int = SEED) -> Iterator[Spoken]:
    """Yield `per_voice` turns of test scripts for every held-out voice, the lines in turn."""
    texts, rng = call_texts(seed, "test"), random.Random(seed)
    for variant in TEST_FEMALE + TEST_MALE:
        for number in range(per_voice):
            name = list(LINES)[number % len(LINES)]
            voice = Voice(variant, rng.randint(35, 70), rng.choice(SPEEDS_WPM))
            text = next(texts)
            heard = transmit(speak(text, voice), LINES[name], rng)
            yield Spoken(variant, name, text, receive(heard, LINES[name]))


def whisperx_transcriber(model: str, *, beam_size: int = 3, batch_size: int = 8, threads: int = 2) -> Transcribe:
    """Load `model` with WhisperX. Returns a function from windows (16 kHz, at most 30 s each) to their texts."""
    # Without a handler whisperx logs to standard output, which is for the result.
    logging.getLogger("whisperx").addHandler(logging.NullHandler())
    import whisperx
    from whisperx.diarize import Segment
    from whisperx.vads import Vad

    class KnownTurns(Vad):  # type: ignore[misc]
        """Windows whose places are known, in the place of voice activity detection."""

        def __init__(self) -> None:
            super().__init__(0.5)
            self.turns: list[tuple[float, float]] = []

        def __call__(self, audio: object, **_: object) -> list[Any]:
            return [Segment(start_s, end_s, "UNKNOWN") for start_s, end_s in self.turns]

        @staticmethod
        def preprocess_audio(audio: Samples) -> Samples:
            return audio

        @staticmethod
        def merge_chunks(segments: list[Any], *_: object, **__: object) -> list[dict[str, Any]]:
            return [{"start": s.start, "end": s.end, "segments": [(s.start, s.end)]} for s in segments]

    turns = KnownTurns()
    options = {"beam_size": beam_size}
    with contextlib.redirect_stdout(sys.stderr):
        pipeline = whisperx.load_model(
            *(model, "cpu"), language="ko", vad_model=turns, threads=threads, asr_options=options, local_files_only=True
        )

    def transcribe(windows: Sequence[Samples]) -> list[str]:
        edges = np.cumsum([0, *(window.size for window in windows)]) / RATE_HZ
        turns.turns = list(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))
        result = pipeline.transcribe(np.concatenate(windows), batch_size=batch_size)
        return [part["text"] for part in result["segments"]]

    return transcribe


def evaluate(model: str, per_voice: int = 24) -> dict[str, Any]:
    """Return character error rates (spaces and punctuation aside) over all, by voice and by line, and the speed."""
    spoken = list(heldout_turns(per_voice))
    transcribe = whisperx_transcriber(model)
    begun = time.monotonic()
    written = transcribe([turn.samples for turn in spoken])
    wall_s = time.monotonic() - begun
    pairs = list(zip(spoken, written, strict=True))
    audio_s = sum(turn.samples.size for turn in spoken) / RATE_HZ

    def rate(*, variant: str = "", line: str = "") -> float:
        chosen = [(t.text, text) for t, text in pairs if variant in ("", t.variant) and line in ("", t.line)]
        return round(character_error_rate([a for a, _ in chosen], [b for _, b in chosen]), 4)

    return {
        "turns": len(spoken),
        "audio_s": round(audio_s, 1),
        "cer": rate(),
        "cer_by_voice": {name: rate(variant=name) for name in TEST_FEMALE + TEST_MALE},
        "cer_by_line": {name: rate(line=name) for name in LINES},
        "real_time_factor": round(wall_s / audio_s, 4),
        "examples": [{"said": turn.text, "written": text} for turn, text in pairs[:: max(1, len(pairs) // 12)]],
    }


def main() -> None:
    """Read the command line, evaluate, write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True, help="CTranslate2 folder, or another model's name")
    parser.add_argument("--per-voice", type=int, default=24, help="turns for each held-out voice")
    parser.add_argument("--json", type=Path, help="where to write the result; without it, it goes to the screen")
    args = parser.parse_args()
    text = json.dumps(evaluate(args.model, args.per_voice), ensure_ascii=False, indent=1)
    if args.json:
        args.json.write_text(text + "\n", encoding="utf-8")
    else:
        sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
