"""Read the tracks that the probe wrote."""

import wave
from pathlib import Path

import numpy as np
import numpy.typing as npt


def read_wav(path: Path) -> npt.NDArray[np.float32]:
    """Return the samples of a 16-bit mono WAV file as float32 in -1 to 1."""
    with wave.open(str(path), "rb") as file:
        frames = file.readframes(file.getnframes())
    return np.frombuffer(frames, dtype=np.int16).astype(np.float32) / np.float32(32768)
