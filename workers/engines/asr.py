"""Speech recognition by WhisperX: a Whisper model in CTranslate2 form, from a local folder or, if allowed, a hub name.

One pass a channel, merged by time. Knows audio and text; knows nothing of calls, jobs or databases.
"""

import contextlib
import logging
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from workers.contracts.transcript import Segment
from workers.engines.audio import read_wav
from workers.engines.errors import EngineError
from workers.engines.hallucination import is_invented

RATE_HZ = 16_000
PARTIES = "AB"
# Two channels that say the same at the same time hear one voice: the louder channel is right.
BLEED_OVERLAP = 0.7
# On one track the other party answers after a short gap, and a turn must hold one voice only.
MONO_PAUSE_S, TRACK_PAUSE_S = 0.25, 0.5

Samples = npt.NDArray[np.float32]


@dataclass(frozen=True)
class AsrSettings:
    """Which model, where, and how wide. `model` is a folder or a hub name."""

    model: str
    language: str = "ko"
    device: str = "cpu"
    compute_type: str = "default"
    batch_size: int = 8
    threads: int = 2
    allow_downloads: bool = False


@dataclass(frozen=True)
class _Heard:
    """A recognized stretch with the loudness of its channel there."""

    track: int
    start_s: float
    end_s: float
    text: str
    confidence: float
    loudness: float


class Recognizer:
    """A loaded WhisperX pipeline."""

    def __init__(self, settings: AsrSettings) -> None:
        # Without a handler whisperx logs to standard output, which belongs to the commands.
        logging.getLogger("whisperx").addHandler(logging.NullHandler())
        import whisperx  # seconds and hundreds of megabytes: only in the process that recognizes

        from workers.engines.vad import TurnVad

        if not settings.allow_downloads and not (Path(settings.model) / "model.bin").is_file():
            raise EngineError("engine_missing", detail=f"{settings.model}/model.bin")
        self.settings, self._vad = settings, TurnVad
        with contextlib.redirect_stdout(sys.stderr):  # whisperx prints
            self.pipeline = whisperx.load_model(
                settings.model,
                settings.device,
                compute_type=settings.compute_type,
                language=settings.language,
                vad_model=TurnVad(),
                threads=settings.threads,
                local_files_only=not settings.allow_downloads,
                asr_options={"beam_size": 3, "no_repeat_ngram_size": 0},
            )

    def transcribe(self, tracks: Sequence[Path], report: Callable[[float], None]) -> list[Segment]:
        """Return the turns of `tracks` (16 kHz mono WAV, one a party) in time order.

        `report` gets the progress from 0 to 1 and may raise to stop.
        """
        self.pipeline.vad_model = self._vad(pause_s=MONO_PAUSE_S if len(tracks) == 1 else TRACK_PAUSE_S)
        heard: list[_Heard] = []
        for track, path in enumerate(tracks):
            samples = read_wav(path)
            heard += self._transcribe_track(track, samples, _share(report, track, len(tracks)))
        kept = drop_bleed(sorted(heard, key=lambda turn: (turn.start_s, turn.track)))
        parties = PARTIES if len(tracks) > 1 else "?"
        return [
            Segment(number, parties[turn.track], turn.start_s, turn.end_s, turn.text, turn.confidence)
            for number, turn in enumerate(kept, 1)
        ]

    def _transcribe_track(self, track: int, samples: Samples, report: Callable[[float], None]) -> list[_Heard]:
        result = self.pipeline.transcribe(
            samples, batch_size=self.settings.batch_size, progress_callback=lambda percent: report(percent / 100)
        )
        turns = [self._heard(track, samples, part) for part in result["segments"]]
        report(1.0)
        return [turn for turn in turns if not is_invented(turn.text, turn.end_s - turn.start_s, turn.confidence)]

    def _heard(self, track: int, samples: Samples, part: dict[str, Any]) -> _Heard:
        start_s, end_s = float(part["start"]), float(part["end"])
        stretch = samples[int(start_s * RATE_HZ) : int(end_s * RATE_HZ)]
        loudness = float(np.sqrt(np.mean(stretch**2))) if stretch.size else 0.0
        confidence = round(math.exp(min(0.0, float(part["avg_logprob"]))), 3)
        return _Heard(track, start_s, end_s, " ".join(part["text"].split()), confidence, loudness)


def _share(report: Callable[[float], None], track: int, tracks: int) -> Callable[[float], None]:
    return lambda progress: report((track + progress) / tracks)


def drop_bleed(turns: Sequence[_Heard]) -> list[_Heard]:
    """Remove turns that a louder channel says at the same time in the same words (crosstalk of a bad line)."""
    return [turn for turn in turns if not any(_bleeds(turn, other) for other in turns)]


def _bleeds(turn: _Heard, other: _Heard) -> bool:
    if turn.track == other.track or turn.loudness >= other.loudness:
        return False
    overlap = min(turn.end_s, other.end_s) - max(turn.start_s, other.start_s)
    if overlap < BLEED_OVERLAP * (turn.end_s - turn.start_s):
        return False
    words, others = set(turn.text.split()), set(other.text.split())
    return len(words & others) >= 0.6 * len(words)


@cache
def load_recognizer(settings: AsrSettings) -> Recognizer:
    """Return the recognizer for `settings`, loaded once a process."""
    return Recognizer(settings)
