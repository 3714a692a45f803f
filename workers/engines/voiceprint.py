"""What a moment of speech sounds like: the spectral envelope and the pitch of its voiced frames. It knows sound only.

Legend: N frames, T samples of a frame, K frequencies, B bands, C cepstral coefficients.
"""

from itertools import pairwise

import numpy as np
import numpy.typing as npt

RATE_HZ = 16_000
FRAME, HOP = 640, 320
BANDS, COEFFICIENTS = 24, 14
F0_HZ = (65.0, 400.0)
PITCH_WEIGHT = 4.0
FIRST_PEAK = 0.85
VOICED = 0.4
DYNAMIC_RANGE = 1e-4

Array = npt.NDArray[np.float64]


def voiced_frames(samples: Array) -> Array:
    """Return (N, COEFFICIENTS + 1) features of the loud voiced frames of a stretch of 16 kHz speech; none is possible.

    Cepstral coefficients of the telephone band, then the logarithm of the pitch.
    """
    padded = samples if samples.size >= FRAME * 2 else np.pad(samples, (0, FRAME * 2 - samples.size))
    frames_NT = np.lib.stride_tricks.sliding_window_view(padded, FRAME)[::HOP]
    energy_N = (frames_NT**2).mean(axis=1)
    pitch_N, voiced_N = pitch_hz(frames_NT)
    kept_N = voiced_N & (energy_N >= np.quantile(energy_N, 0.4))
    features_NF = np.column_stack([cepstra(frames_NT), PITCH_WEIGHT * np.log2(pitch_N)])
    kept_NF: Array = features_NF[kept_N]
    return kept_NF


def cepstra(frames_NT: Array) -> Array:
    """Return (N, C) cepstral coefficients of the bands from 200 to 3400 Hz, loudness left out."""
    power_NK = np.abs(np.fft.rfft(frames_NT * np.hanning(FRAME), axis=1)) ** 2
    edges = np.unique(np.geomspace(8, 136, BANDS + 1).astype(int))
    bands_NB = np.stack([power_NK[:, a:b].mean(axis=1) for a, b in pairwise(edges)], axis=1)
    logs_NB = np.log(bands_NB + DYNAMIC_RANGE * bands_NB.max(axis=1, keepdims=True) + 1e-10)
    size = logs_NB.shape[1]
    cosines_CB = np.cos(np.pi * np.arange(1, COEFFICIENTS + 1)[:, None] * (np.arange(size) + 0.5) / size)
    coefficients_NC: Array = logs_NB @ cosines_CB.T * np.sqrt(2 / size)
    return coefficients_NC


def pitch_hz(frames_NT: Array) -> tuple[Array, npt.NDArray[np.bool_]]:
    """Return the fundamental frequency of each frame in Hz and whether it has one, by the autocorrelation."""
    spectrum_NK = np.fft.rfft(frames_NT - frames_NT.mean(axis=1, keepdims=True), n=2 * FRAME, axis=1)
    lags_NT = np.fft.irfft(np.abs(spectrum_NK) ** 2, axis=1)[:, :FRAME] / (FRAME - np.arange(FRAME))
    shortest, longest = int(RATE_HZ / F0_HZ[1]), int(RATE_HZ / F0_HZ[0])
    window_NT = lags_NT[:, shortest:longest]
    # The first strong peak, not the highest: multiples of the period are as high and would halve the pitch.
    strong_NT = window_NT >= FIRST_PEAK * window_NT.max(axis=1, keepdims=True)
    peak_NT = strong_NT & (window_NT >= np.roll(window_NT, 1, axis=1)) & (window_NT >= np.roll(window_NT, -1, axis=1))
    voiced_N = peak_NT.any(axis=1) & (window_NT.max(axis=1) > VOICED * np.maximum(lags_NT[:, 0], 1e-12))
    return RATE_HZ / (peak_NT.argmax(axis=1) + shortest), voiced_N
