"""The learning-rate schedules: warm-up, then constant and a linear decay (WSD), or a cosine. Pure arithmetic."""

import math

from model_core.config.schema import TrainConfig


def learning_rate_scale(config: TrainConfig, step: int) -> float:
    """Return the factor on the peak learning rates for the step from `step` to `step` + 1, between 0 and 1.

    Source: Hu et al. 2024 (MiniCPM), arXiv 2404.06395, section 4, for WSD.
    """
    warmup = min(1.0, (step + 1) / max(1, config.warmup_steps))
    if config.schedule == "cosine":
        done = max(0, step - config.warmup_steps) / max(1, config.max_steps - config.warmup_steps)
        return warmup * 0.5 * (1.0 + math.cos(math.pi * min(1.0, done)))
    decay_steps = max(1, round(config.max_steps * config.decay_share))
    return warmup * min(1.0, max(0, config.max_steps - step) / decay_steps)
