"""Sound that looks like a call: stereo noise where somebody speaks, as Ogg Opus, and the peaks of its waveform."""

import random
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from workers.contracts.transcript import Segment

RATE_HZ = 16_000
PEAKS_PER_S = 10


def peaks_of(segments: Sequence[Segment], length_s: float, rng: random.Random) -> list[list[float]]:
    """Return the peaks (0 to 1) of both channels: A on the first, everybody else on the second."""
    channels = [[0.004 + 0.01 * rng.random() for _ in range(int(length_s * PEAKS_PER_S))] for _ in "AB"]
    for segment in segments:
        channel = channels[segment.party != "A"]
        loud = 0.45 + 0.4 * rng.random()
        for at in range(int(segment.start_s * PEAKS_PER_S), min(int(segment.end_s * PEAKS_PER_S), len(channel))):
            channel[at] = round(loud * rng.betavariate(2.2, 2.0), 3)
    return channels


def write_listening_copy(path: Path, peaks: Sequence[Sequence[float]]) -> None:
    """Write noise that is as loud as `peaks` say, two channels."""
    noise = np.random.default_rng(1)
    loud_CN = np.repeat(np.array(peaks), RATE_HZ // PEAKS_PER_S, axis=1)
    sound_CN = (noise.normal(0, 2500, loud_CN.shape) * loud_CN).clip(-32768, 32767).astype(np.int16)
    with av.open(str(path), "w", format="ogg") as file:
        stream: Any = file.add_stream("libopus", rate=RATE_HZ, layout="stereo")
        frame = av.AudioFrame.from_ndarray(sound_CN.T.reshape(1, -1).copy(), format="s16", layout="stereo")
        frame.sample_rate, frame.time_base = RATE_HZ, Fraction(1, RATE_HZ)
        file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
