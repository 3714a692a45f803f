"""Voice activity detection for WhisperX: the Silero model that faster-whisper bundles as ONNX.

Nothing is downloaded and nothing unpickled. Each stretch of speech between two pauses stays a segment of its own, so
that segments are turns of a conversation; only stretches longer than the window are cut.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from faster_whisper.vad import VadOptions, get_speech_timestamps
from whisperx.diarize import Segment
from whisperx.vads import Vad

RATE_HZ = 16_000


class TurnVad(Vad):  # type: ignore[misc]
    """Find stretches of speech. Times are seconds.

    `max_turn_s` cuts long stretches, `pause_s` is the silence that ends a turn, `pad_s` is kept around each.
    """

    def __init__(self, *, onset: float = 0.5, max_turn_s: float = 14.0, pause_s: float = 0.5, pad_s: float = 0.2):
        super().__init__(onset)
        self.options = VadOptions(
            threshold=onset,
            min_speech_duration_ms=120,
            max_speech_duration_s=max_turn_s,
            min_silence_duration_ms=int(pause_s * 1000),
            speech_pad_ms=int(pad_s * 1000),
        )

    def __call__(self, audio: dict[str, Any], **_: object) -> list[Segment]:
        """Return the stretches of speech in ``audio["waveform"]`` (16 kHz mono float32)."""
        found = get_speech_timestamps(audio["waveform"], self.options, sampling_rate=RATE_HZ)
        return [Segment(part["start"] / RATE_HZ, part["end"] / RATE_HZ, "UNKNOWN") for part in found]

    @staticmethod
    def preprocess_audio(audio: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return `audio` as it is: Silero takes raw samples."""
        return audio

    @staticmethod
    def merge_chunks(
        segments: list[Segment], chunk_size: float, onset: float, offset: float | None = None
    ) -> list[dict[str, Any]]:
        """Keep every turn apart; the pipeline would otherwise join turns up to `chunk_size` seconds."""
        return [{"start": s.start, "end": s.end, "segments": [(s.start, s.end)]} for s in segments]
