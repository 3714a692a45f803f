"""How well a run uses its device: floating-point operations of a batch, and their share of what the device can do.

It knows configurations and counts, and measures the device where no peak is given.
"""

import torch

from model_core.config.parameters import active_parameters
from model_core.config.schema import ModelConfig, TrainConfig
from model_core.ops.precision import product_flops
from model_core.training.loss import compute_dtype

_TERA = 10**12


def step_flops(model: ModelConfig, tokens: float, attended_pairs: float) -> float:
    """Return the operations of one step: backward twice the forward, recomputation not counted.

    Attention counts the pairs that are really looked at. Source: Kaplan et al. 2020, arXiv 2001.08361, section 2.1;
    Chowdhery et al. 2022, arXiv 2204.02311, appendix B, for what counts in the MFU.
    """
    attention = 4 * model.num_layers * model.num_heads * model.head_dim * attended_pairs
    return 3.0 * (2 * active_parameters(model) * tokens + attention)


def peak_flops(train: TrainConfig, device: torch.device) -> float:
    """Return the operations a second that the MFU is a share of: the configured ones, or a large product's."""
    return train.peak_tflops * _TERA or product_flops(device, compute_dtype(train.precision, device))
