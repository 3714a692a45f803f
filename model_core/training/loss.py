"""The training loss of a packed row, and the same loss on held-out rows. It knows no optimizer and no schedule.

Legend: T tokens of a row.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from model_core.config.schema import Precision
from model_core.data.packing import PackedBatch
from model_core.models.decoder import Decoder
from model_core.ops.cross_entropy import linear_cross_entropy
from model_core.ops.precision import fast_dtype
from model_core.parallel.team import Team

# A batch's weighted sum of losses (a scalar with a gradient), its token losses (T,) and their weights (T,).
BatchLoss = tuple[Tensor, Tensor, Tensor]


def compute_dtype(precision: Precision, device: torch.device) -> torch.dtype:
    """Return the dtype of matrix products on a device."""
    named = {"bf16": torch.bfloat16, "fp32": torch.float32}
    return named.get(precision) or fast_dtype(device)


class PackedLoss(nn.Module):
    """The loss of a packed row under a model; matrix products in `dtype`."""

    def __init__(self, model: Decoder, dtype: torch.dtype) -> None:
        super().__init__()
        self.model = model
        self.dtype = dtype

    def forward(self, batch: PackedBatch) -> BatchLoss:
        """Return the weighted sum of losses, the token losses and their weights."""
        device = self.model.rotary.cos.device
        ids, labels, weights, positions, documents = (
            torch.from_numpy(array).to(device)
            for array in (batch.ids, batch.labels, batch.weights, batch.positions, batch.document_ids)
        )
        with torch.autocast(device.type, torch.bfloat16, enabled=self.dtype == torch.bfloat16):
            hidden = self.model.hidden(ids[None], positions=positions[None], document_ids=documents[None])[0]
        loss, losses = linear_cross_entropy(hidden, self.model.head.weight, labels, weights, self.dtype)
        return loss, losses, weights


def loss_sums(batch: PackedBatch, losses_T: Tensor, weights_T: Tensor) -> Tensor:
    """Return (2, 2) in fp64: the sum of the losses and the number of tokens, of answers and of prompts.

    Tokens of weight 0 count as nothing; otherwise the weight says nothing of what a token is.
    """
    answers = torch.from_numpy(batch.answers).to(losses_T.device)
    kinds = [(weights_T != 0) & kind for kind in (answers, ~answers)]
    return torch.stack([torch.stack((losses_T[kind].sum(), kind.sum())).double() for kind in kinds])


@torch.no_grad()
def mean_loss(compute: Callable[[PackedBatch], BatchLoss], batches: Sequence[PackedBatch], team: Team) -> float:
    """Return the mean loss of the answers' tokens in `batches`, which the ranks share; every rank gets the same."""
    sums = torch.zeros(2, dtype=torch.float64, device=team.device)
    for first in range(0, len(batches), team.size):
        # Every rank computes in every round, for experts may be spread; what has no batch left takes one uncounted.
        index = first + team.rank
        batch = batches[index if index < len(batches) else 0]
        _, losses, weights = compute(batch)
        if index < len(batches):
            sums += loss_sums(batch, losses, weights)[0]
    total, count = team.sum(sums).tolist()
    return float(total / count)
