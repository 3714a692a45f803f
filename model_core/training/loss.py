"""The training loss of a packed row, and the same loss on held-out rows. It knows no optimizer and no schedule.

Legend: T tokens of a row.
"""

from collections.abc import Iterable

import torch
from torch import Tensor

from model_core.config.schema import DeviceName, Precision
from model_core.data.packing import PackedBatch
from model_core.errors import ConfigError
from model_core.models.decoder import Decoder
from model_core.ops.cross_entropy import linear_cross_entropy
from model_core.ops.precision import fast_dtype


def training_device(name: DeviceName) -> torch.device:
    """Return the device to train on; "auto" is the GPU where there is one.

    Raises: ConfigError when a GPU is named and there is none.
    """
    if name == "cuda" and not torch.cuda.is_available():
        raise ConfigError("train.device is 'cuda'; this machine has no CUDA device")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


def compute_dtype(precision: Precision, device: torch.device) -> torch.dtype:
    """Return the dtype of matrix products on a device."""
    named = {"bf16": torch.bfloat16, "fp32": torch.float32}
    return named.get(precision) or fast_dtype(device)


def packed_loss(model: Decoder, batch: PackedBatch, dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
    """Return the weighted sum of losses (a scalar with a gradient), the token losses (T,) and the weights (T,).

    All are on the model's device.
    """
    device = model.head.weight.device
    ids, labels, weights, positions, documents = (
        torch.from_numpy(array).to(device)
        for array in (batch.ids, batch.labels, batch.weights, batch.positions, batch.document_ids)
    )
    with torch.autocast(device.type, torch.bfloat16, enabled=dtype == torch.bfloat16):
        hidden = model.hidden(ids[None], positions=positions[None], document_ids=documents[None])[0]
    loss, losses = linear_cross_entropy(hidden, model.head.weight, labels, weights, dtype)
    return loss, losses, weights


@torch.no_grad()
def held_out_loss(model: Decoder, batches: Iterable[PackedBatch], dtype: torch.dtype) -> float:
    """Return the mean loss of the tokens of weight 1 of `batches`. Side effect: leaves the model in evaluation mode."""
    model.eval()
    total, count = 0.0, 0
    for batch in batches:
        _, losses, weights = packed_loss(model, batch, dtype)
        total += float(losses[weights == 1].sum())
        count += int((weights == 1).sum())
    return total / count
