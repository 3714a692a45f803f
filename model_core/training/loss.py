"""The training loss of a packed row, and the same loss on held-out rows. It knows no optimizer and no schedule.

Legend: T tokens of a row.
"""

from collections.abc import Iterable

import torch
from torch import Tensor

from model_core.data.packing import PackedBatch
from model_core.models.decoder import Decoder
from model_core.ops.cross_entropy import linear_cross_entropy


def packed_loss(model: Decoder, batch: PackedBatch, bf16: bool) -> tuple[Tensor, Tensor, Tensor]:
    """Return the weighted sum of losses (a scalar with a gradient), the token losses (T,) and the weights (T,)."""
    ids, labels, weights, positions, documents = (
        torch.from_numpy(array)
        for array in (batch.ids, batch.labels, batch.weights, batch.positions, batch.document_ids)
    )
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        hidden = model.hidden(ids[None], positions=positions[None], document_ids=documents[None])[0]
    dtype = torch.bfloat16 if bf16 else hidden.dtype
    loss, losses = linear_cross_entropy(hidden, model.head.weight, labels, weights, dtype)
    return loss, losses, weights


@torch.no_grad()
def held_out_loss(model: Decoder, batches: Iterable[PackedBatch], bf16: bool) -> float:
    """Return the mean loss of the answer tokens of `batches`. Side effects: leaves the model in evaluation mode."""
    model.eval()
    total, count = 0.0, 0
    for batch in batches:
        _, losses, weights = packed_loss(model, batch, bf16)
        total += float(losses[weights == 1].sum())
        count += int((weights == 1).sum())
    return total / count
