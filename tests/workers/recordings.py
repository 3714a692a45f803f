"""Recordings good and bad, made from scratch with the standard library, NumPy and PyAV."""

import struct
import wave
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.int16]


def tone(seconds: float, rate_hz: int = 8000, hz: float = 440.0) -> Samples:
    """Return a sine at a third of full scale."""
    times = np.arange(int(seconds * rate_hz)) / rate_hz
    return np.asarray(10_000 * np.sin(2 * np.pi * hz * times), dtype=np.int16)


def write_wav(path: Path, channels: list[Samples], rate_hz: int = 8000) -> Path:
    """Write a PCM WAV, one array a channel."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(len(channels))
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(np.stack(channels, axis=1).tobytes())
    return path


def encode(path: Path, codec: str, seconds: float, *, rate_hz: int = 8000, silent: bool = False) -> Path:
    """Write `seconds` of sound with FFmpeg's `codec`, container by the suffix of `path`."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate_hz, layout="mono")
        for block in _blocks(seconds, rate_hz, silent):
            frame = av.AudioFrame.from_ndarray(block[None], format="s16", layout="mono")
            frame.sample_rate = rate_hz
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def _blocks(seconds: float, rate_hz: int, silent: bool) -> Iterator[Samples]:
    left, size = int(seconds * rate_hz), 32_768
    block = np.zeros(size, np.int16) if silent else tone(size / rate_hz, rate_hz)
    while left > 0:
        yield block[: min(size, left)]
        left -= size


def float_wav_with_nan(path: Path) -> Path:
    """Write a float WAV whose 100th sample is not a number."""
    samples = np.zeros(8000, "<f4")
    samples[100] = np.nan
    body = samples.tobytes()
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 3, 1, 8000, 32000, 4, 32)
    head = b"WAVE" + form + struct.pack("<4sI", b"data", len(body))
    path.write_bytes(struct.pack("<4sI", b"RIFF", len(head) + len(body)) + head + body)
    return path


def silent_video(path: Path) -> Path:
    """Write a film of one second that has no sound."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for _ in range(10):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8))))
        container.mux(stream.encode(None))
    return path
