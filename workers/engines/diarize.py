"""Who spoke when on a mono recording: two voices told apart by pitch and average spectrum, without a downloaded model.

A phone call has two parties, so the number of speakers is one or two, never more. Each turn gets a voice print; the
prints are split by 2-means; when the two groups do not stand apart, the call has one speaker.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from workers.contracts.transcript import Segment

RATE_HZ = 16_000
FRAME, HOP = 640, 320
BANDS = 24
F0_HZ = (65.0, 400.0)
LONG_TURN_S = 0.7
# Two groups of prints nearer than this are one voice (one synthetic voice split in two: 4 to 9, two voices: 8 to 15).
MIN_GAP = 7.5
PITCH_WEIGHT = 2.0
FIRST_PEAK = 0.85
DYNAMIC_RANGE = 1e-4

Array = npt.NDArray[np.float64]


def assign_parties(segments: Sequence[Segment], samples: npt.NDArray[np.float32]) -> list[Segment]:
    """Return `segments` with party "A" (who speaks first) and "B".

    `samples` is the 16 kHz mono recording. Turns too short for a voice print take the nearer of the two voices.
    """
    if not segments:
        return []
    prints_SF = np.stack([voice_print(_cut(samples, segment)) for segment in segments])
    long_S = np.array([segment.end_s - segment.start_s >= LONG_TURN_S for segment in segments])
    groups_S = _two_groups(prints_SF, long_S if long_S.sum() >= 2 else np.ones(len(segments), bool))
    first = groups_S[0]
    return [
        replace(segment, party="A" if group == first else "B")
        for segment, group in zip(segments, groups_S, strict=True)
    ]


def _cut(samples: npt.NDArray[np.float32], segment: Segment) -> Array:
    part = samples[int(segment.start_s * RATE_HZ) : int(segment.end_s * RATE_HZ)].astype(np.float64)
    return part if part.size >= FRAME * 2 else np.pad(part, (0, FRAME * 2 - part.size))


def voice_print(samples: Array) -> Array:
    """Return (BANDS + 1,) features of a stretch of speech: the mean log spectrum of its loud frames and its pitch."""
    frames_NT = np.lib.stride_tricks.sliding_window_view(samples, FRAME)[::HOP]
    energy_N = (frames_NT**2).mean(axis=1)
    loud_NT = frames_NT[energy_N >= np.quantile(energy_N, 0.5)]
    power_NK = np.abs(np.fft.rfft(loud_NT * np.hanning(FRAME), axis=1)) ** 2
    edges = np.unique(np.geomspace(8, 136, BANDS + 1).astype(int))  # 200 Hz to 3400 Hz
    bands_NB = np.stack([power_NK[:, a:b].mean(axis=1) for a, b in pairwise(edges)], axis=1)
    spectrum = np.log(bands_NB + DYNAMIC_RANGE * bands_NB.max(axis=1, keepdims=True) + 1e-10).mean(axis=0)
    return np.append(spectrum - spectrum.mean(), PITCH_WEIGHT * np.sqrt(BANDS) * np.log2(pitch_hz(loud_NT)))


def pitch_hz(frames_NT: Array) -> float:
    """Return the median fundamental frequency of `frames_NT` in Hz, by the peak of the autocorrelation."""
    spectrum_NK = np.fft.rfft(frames_NT - frames_NT.mean(axis=1, keepdims=True), n=2 * FRAME, axis=1)
    lags_NT = np.fft.irfft(np.abs(spectrum_NK) ** 2, axis=1)[:, :FRAME] / (FRAME - np.arange(FRAME))
    shortest, longest = int(RATE_HZ / F0_HZ[1]), int(RATE_HZ / F0_HZ[0])
    window_NT = lags_NT[:, shortest:longest]
    # The first strong peak, not the highest: multiples of the period are as high and would halve the pitch.
    strong_NT = window_NT >= FIRST_PEAK * window_NT.max(axis=1, keepdims=True)
    peak_NT = strong_NT & (window_NT >= np.roll(window_NT, 1, axis=1)) & (window_NT >= np.roll(window_NT, -1, axis=1))
    best_N = peak_NT.argmax(axis=1) + shortest
    voiced_N = peak_NT.any(axis=1) & (window_NT.max(axis=1) > 0.3 * lags_NT[:, 0])
    return float(np.median(RATE_HZ / best_N[voiced_N])) if voiced_N.any() else float(np.sqrt(F0_HZ[0] * F0_HZ[1]))


def _two_groups(prints_SF: Array, reliable_S: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Return the group (0 or 1) of each print; all 0 when there is one voice only. Groups are made of reliable ones."""
    points = prints_SF[reliable_S]
    centred = points - points.mean(axis=0)
    side = (centred @ np.linalg.svd(centred, full_matrices=False)[2][0] > 0).astype(np.int64)
    for _ in range(20):
        if side.min() == side.max():
            return np.zeros(len(prints_SF), np.int64)
        centres = np.stack([points[side == k].mean(axis=0) for k in (0, 1)])
        moved = _nearer(points, centres)
        if (moved == side).all():
            break
        side = moved
    if np.linalg.norm(centres[1] - centres[0]) < MIN_GAP:
        return np.zeros(len(prints_SF), np.int64)
    return _nearer(prints_SF, centres)


def _nearer(points_SF: Array, centres_2F: Array) -> npt.NDArray[np.int64]:
    distances = ((points_SF[:, None] - centres_2F[None]) ** 2).sum(axis=2)
    nearest: npt.NDArray[np.int64] = distances.argmin(axis=1)
    return nearest
