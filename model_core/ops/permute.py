"""Rows into the order of the experts and back: what an exchange of rows between devices stands between.

`permute` and `combine` are each other's transposes, so each is the other's backward; a token's rows are summed in a
fixed order. They know no experts' products. The plain forms are `permute_reference` and `combine_reference`.

Legend: T tokens, K choices a token, S = T x K sorted choices, D row width.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

from model_core.ops.backend import Backend, choose_backend
from model_core.ops.sorting import Sorting


def permute(x_TD: Tensor, sorting: Sorting, *, backend: Backend | None = None) -> Tensor:
    """Return the row of each sorted choice's token, (S, D)."""
    y_SD: Tensor = _Permute.apply(  # type: ignore[no-untyped-call]
        x_TD, sorting, choose_backend(x_TD.device.type, backend)
    )
    return y_SD


def combine(y_SD: Tensor, sorting: Sorting, *, backend: Backend | None = None) -> Tensor:
    """Return the sum of the rows of each token's choices, (T, D)."""
    x_TD: Tensor = _Combine.apply(  # type: ignore[no-untyped-call]
        y_SD, sorting, choose_backend(y_SD.device.type, backend)
    )
    return x_TD


def permute_reference(x_TD: Tensor, sorting: Sorting) -> Tensor:
    """Return what `permute` returns, by indexing."""
    return x_TD[sorting.order_S // sorting.places_TK.shape[1]]


def combine_reference(y_SD: Tensor, sorting: Sorting) -> Tensor:
    """Return what `combine` returns, by indexing."""
    return y_SD[sorting.places_TK].sum(dim=1)


def _permute(x_TD: Tensor, sorting: Sorting, backend: Backend) -> Tensor:
    choices = sorting.places_TK.shape[1]
    if backend == "triton":
        from model_core.kernels import rows

        return rows.permute(x_TD, sorting.order_S, choices)
    return x_TD.index_select(0, sorting.order_S // choices)


def _combine(y_SD: Tensor, sorting: Sorting, backend: Backend) -> Tensor:
    if backend == "triton":
        from model_core.kernels import rows

        return rows.combine(y_SD, sorting.places_TK)
    # The embedding bag reads each row once; indexing and summing takes eight times as long.
    return functional.embedding_bag(sorting.places_TK, y_SD, mode="sum")


class _Permute(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x_TD: Tensor, sorting: Sorting, backend: Backend) -> Tensor:
        ctx.sorting, ctx.backend = sorting, backend
        return _permute(x_TD, sorting, backend)

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        return _combine(grads[0].contiguous(), ctx.sorting, ctx.backend), None, None


class _Combine(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, y_SD: Tensor, sorting: Sorting, backend: Backend) -> Tensor:
        ctx.sorting, ctx.backend = sorting, backend
        return _combine(y_SD, sorting, backend)

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        return _permute(grads[0], ctx.sorting, ctx.backend), None, None
