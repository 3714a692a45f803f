"""Log-mel features exactly as faster-whisper and WhisperX compute them: 80 bands, 10 ms steps, floor set by the window.

It knows samples and frames; it does not know text, models or files.
"""

from functools import cache

import numpy as np
import numpy.typing as npt
import torch
from transformers.audio_utils import mel_filter_bank

RATE_HZ = 16_000
HOP = 160
NUM_FFT = 400
NUM_MELS = 80
WINDOW_S = 30.0
FRAMES_PER_S = RATE_HZ // HOP
WINDOW_FRAMES = int(WINDOW_S * FRAMES_PER_S)


@cache
def _mel_filters() -> torch.Tensor:
    bank = mel_filter_bank(
        num_frequency_bins=NUM_FFT // 2 + 1,
        num_mel_filters=NUM_MELS,
        min_frequency=0.0,
        max_frequency=RATE_HZ / 2,
        sampling_rate=RATE_HZ,
        norm="slaney",
        mel_scale="slaney",
    )
    return torch.from_numpy(np.ascontiguousarray(bank.T)).float()


def log_mel(samples: npt.NDArray[np.float32], num_frames: int) -> torch.Tensor:
    """Compute features of (n,) float32 samples at 16 kHz, padded with silence (or cut) to `num_frames` of 10 ms.

    Returns (80, num_frames) float32. The floor lies 8 decades below the loudest cell of the padded window, so a window
    padded with silence here equals the first frames of the same window padded to 30 s there.
    Source: Radford et al. 2022, section 2.2, and the feature extractor of faster-whisper.
    """
    wanted = num_frames * HOP
    padded = np.zeros(wanted, dtype=np.float32)
    padded[: min(wanted, samples.size)] = samples[:wanted]
    spectrum = torch.stft(torch.from_numpy(padded), NUM_FFT, HOP, window=_window(), return_complex=True)
    power_FT = spectrum[:, :-1].abs() ** 2
    log_MT = torch.clamp(_mel_filters() @ power_FT, min=1e-10).log10()
    return (torch.maximum(log_MT, log_MT.max() - 8.0) + 4.0) / 4.0


@cache
def _window() -> torch.Tensor:
    return torch.hann_window(NUM_FFT)
