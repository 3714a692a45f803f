"""The choices of a batch sorted by expert, so that every expert works on one contiguous slice of rows.

A counting sort in the order (expert, token): nothing is padded or dropped. It knows no weights and no features.

Legend: T tokens, K choices a token, S = T x K sorted choices, E experts.
"""

from typing import NamedTuple

import torch
from torch import Tensor


class Sorting(NamedTuple):
    """`counts_E` choices an expert; `order_S` the choice (token x K + k) at each place; `places_TK` its inverse."""

    counts_E: Tensor
    order_S: Tensor
    places_TK: Tensor


def sort_choices(experts_TK: Tensor, num_experts: int) -> Sorting:
    """Return the stable sorting of the choices by expert, int64 throughout."""
    flat_S = experts_TK.reshape(-1)
    order_S = torch.argsort(flat_S, stable=True)
    places_S = torch.empty_like(order_S)
    places_S[order_S] = torch.arange(order_S.shape[0], device=order_S.device)
    return Sorting(torch.bincount(flat_S, minlength=num_experts), order_S, places_S.view_as(experts_TK))
