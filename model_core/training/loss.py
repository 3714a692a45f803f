"""The training loss of a packed row, and the same loss on held-out rows. It knows no optimizer and no schedule.

Legend: T tokens of a row.
"""

from collections.abc import Iterable

import torch
from torch import Tensor

from model_core.config.schema import Precision
from model_core.data.packing import PackedBatch
from model_core.models.decoder import Decoder
from model_core.ops.cross_entropy import linear_cross_entropy
from model_core.ops.precision import fast_cpu_dtype


def compute_dtype(precision: Precision) -> torch.dtype:
    """Return the dtype of matrix products on this machine."""
    named = {"bf16": torch.bfloat16, "fp32": torch.float32}
    return named.get(precision) or fast_cpu_dtype()


def packed_loss(model: Decoder, batch: PackedBatch, dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
    """Return the weighted sum of losses (a scalar with a gradient), the token losses (T,) and the weights (T,)."""
    ids, labels, weights, positions, documents = (
        torch.from_numpy(array)
        for array in (batch.ids, batch.labels, batch.weights, batch.positions, batch.document_ids)
    )
    with torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
        hidden = model.hidden(ids[None], positions=positions[None], document_ids=documents[None])[0]
    loss, losses = linear_cross_entropy(hidden, model.head.weight, labels, weights, dtype)
    return loss, losses, weights


@torch.no_grad()
def held_out_loss(model: Decoder, batches: Iterable[PackedBatch], dtype: torch.dtype) -> float:
    """Return the mean loss of the answer tokens of `batches`. Side effects: leaves the model in evaluation mode."""
    model.eval()
    total, count = 0.0, 0
    for batch in batches:
        _, losses, weights = packed_loss(model, batch, dtype)
        total += float(losses[weights == 1].sum())
        count += int((weights == 1).sum())
    return total / count
