"""Who spoke when on a mono recording: the turns of a call shared out between two voices, with no downloaded model.

A phone call has two parties, so the number of speakers is one or two, never more. How frames differ *inside* turns,
where one voice speaks, tells which differences mean nothing; seen through that, the two voices are two points, found by
expectation maximization over whole turns, of which neighbours rather differ. It knows frames (`voiceprint`), turns and
no words. Source: Bishop 2006, sections 9.2 (mixtures) and 13.2 (chains).

Legend: S turns, F features, two voices.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from workers.contracts.transcript import Segment
from workers.engines.voiceprint import RATE_HZ, voiced_frames

# Voices nearer than this, in standard deviations inside turns, are one (one voice split: 0.0 to 1.1; two: 1.2 to 9).
MIN_GAP = 1.15
SWITCH = 0.6  # how often the next turn is the other party's
FRAMES_A_FACT = 10.0  # neighbouring frames say the same; so many count as one
PRIOR_FRAMES = 20.0
MIN_FRAMES = 4
ROUNDS = 25

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class _Fit:
    """How likely the turns are under two voices, each turn's share of the second, and how far apart the voices are."""

    log_likelihood: float
    second_S: Array
    gap: float


def assign_parties(segments: Sequence[Segment], samples: npt.NDArray[np.float32]) -> list[Segment]:
    """Return `segments` with party "A" (who speaks first) and "B"; all "A" where one voice speaks.

    `samples` is the 16 kHz mono recording. A turn without a voiced frame goes by its neighbours.
    """
    frames = [voiced_frames(_cut(samples, segment)) for segment in segments]
    second_S = _second_voice(frames)
    first = second_S[0] if segments else False
    parties = ["A" if second == first else "B" for second in second_S]
    return [replace(segment, party=party) for segment, party in zip(segments, parties, strict=True)]


def _cut(samples: npt.NDArray[np.float32], segment: Segment) -> Array:
    return samples[int(segment.start_s * RATE_HZ) : int(segment.end_s * RATE_HZ)].astype(np.float64)


def _second_voice(frames: Sequence[Array]) -> list[bool]:
    """Return for each turn's frames (N, F) whether the second of two voices speaks."""
    counts_S = np.array([len(frames_NF) for frames_NF in frames])
    if (counts_S >= MIN_FRAMES).sum() < 2:
        return [False] * len(frames)
    points_SF = _points(frames)
    fits = [_fitted(points_SF, counts_S, start_S) for start_S in _starts(points_SF, counts_S)]
    best = max(fits, key=lambda fit: fit.log_likelihood)
    return [bool(share > 0.5) for share in best.second_S] if best.gap >= MIN_GAP else [False] * len(frames)


def _points(frames: Sequence[Array]) -> Array:
    """Return the mean of each turn, measured in what frames differ by inside turns; silent turns in the middle."""
    together_NF = np.concatenate(list(frames))
    middle_F = together_NF.mean(axis=0)
    spread_FF = np.zeros((middle_F.size, middle_F.size))
    freedom = 0
    for frames_NF in frames:
        if len(frames_NF) >= MIN_FRAMES:
            centred_NF = frames_NF - frames_NF.mean(axis=0)
            spread_FF += centred_NF.T @ centred_NF
            freedom += len(frames_NF) - 1
    inside_FF = spread_FF / freedom + 1e-2 * np.eye(middle_F.size)
    means_SF = np.stack([frames_NF.mean(axis=0) if len(frames_NF) else middle_F for frames_NF in frames])
    whitened_SF: Array = (means_SF - middle_F) @ np.linalg.cholesky(np.linalg.inv(inside_FF))
    return whitened_SF


def _starts(points_SF: Array, counts_S: npt.NDArray[np.int64]) -> list[Array]:
    """Return first guesses: the turns on one side of each main axis, and every other turn."""
    axes_FF = np.linalg.svd(points_SF * np.sqrt(counts_S)[:, None], full_matrices=False)[2][:3]
    sides = [(points_SF @ axis_F > 0).astype(np.float64) for axis_F in axes_FF]
    return [*sides, np.arange(len(points_SF)) % 2.0]


def _fitted(points_SF: Array, counts_S: npt.NDArray[np.int64], start_S: Array) -> _Fit:
    """Move two voices and the turns' shares until neither changes."""
    second_S = np.clip(start_S, 0.05, 0.95)
    log_likelihood, voices_2F = -np.inf, np.zeros((2, points_SF.shape[1]))
    for _ in range(ROUNDS):
        weights_2S = np.stack([1 - second_S, second_S]) * counts_S
        voices_2F = weights_2S @ points_SF / (weights_2S.sum(axis=1, keepdims=True) + PRIOR_FRAMES)
        distances_S2 = ((points_SF[:, None] - voices_2F) ** 2).sum(axis=2)
        log_likelihood, moved_S = _smoothed(-0.5 * distances_S2 * counts_S[:, None] / FRAMES_A_FACT)
        settled = np.abs(moved_S - second_S).max() < 1e-4
        second_S = moved_S
        if settled:
            break
    return _Fit(log_likelihood, second_S, float(np.linalg.norm(voices_2F[1] - voices_2F[0])))


def _smoothed(logs_S2: Array) -> tuple[float, Array]:
    """Return the log-likelihood of all turns and each one's probability of the second voice: forward and backward."""
    moves_22 = np.log([[1 - SWITCH, SWITCH], [SWITCH, 1 - SWITCH]])
    forward_S2, backward_S2 = np.zeros_like(logs_S2), np.zeros_like(logs_S2)
    forward_S2[0] = logs_S2[0]
    for turn in range(1, len(logs_S2)):
        forward_S2[turn] = logs_S2[turn] + np.logaddexp.reduce(forward_S2[turn - 1][:, None] + moves_22, axis=0)
    for turn in range(len(logs_S2) - 2, -1, -1):
        backward_S2[turn] = np.logaddexp.reduce(moves_22 + logs_S2[turn + 1] + backward_S2[turn + 1], axis=1)
    total = float(np.logaddexp.reduce(forward_S2[-1]))
    return total, np.exp(forward_S2[:, 1] + backward_S2[:, 1] - total)
