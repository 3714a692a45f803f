"""The router on the device: scores, choice, weights, histogram and sort positions.

One launch while all tokens fit in one block (decoding). Beyond that a choice's place depends on the tokens of all
blocks, so there are three: choices with a histogram a block, the histograms' running sums, places. Each is linear in
the tokens, and a block waits for another only by the end of a launch. Nothing is added atomically, so places and sums
repeat to the bit. It knows no gradients.

Legend: T tokens, K choices a token, S = T x K choices, E experts, D model width, N blocks of tokens.
"""

from typing import NamedTuple

import torch
import triton
import triton.language as tl
from torch import Tensor

from model_core.kernels.launch import accumulator, multiply_add

_BLOCK_TOKENS = 32
_BLOCK_WIDTH = 64
_SUMMED_BLOCKS, _SUMMED_EXPERTS = 64, 16


class Routed(NamedTuple):
    """Weights and plain scores of the chosen experts, the experts, and the sorting of the choices by expert."""

    weights_TK: Tensor
    scores_TK: Tensor
    experts_TK: Tensor
    counts_E: Tensor
    order_S: Tensor
    places_TK: Tensor


def route(x_TD: Tensor, weight_ED: Tensor, bias_E: Tensor, choices: int, scale: float, eps: float) -> Routed:
    """Return each token's `choices` best experts by sigmoid score plus bias, and their sorting; fp32 and int64.

    The weights are the scores without the bias, divided by their sum plus `eps`, times `scale`. Of equal scores the
    lower expert wins. A score that is not a number counts as the lowest, so that no index leaves the range.
    """
    tokens, experts = x_TD.shape[0], weight_ED.shape[0]
    dtype = torch.float64 if x_TD.dtype == torch.float64 else torch.float32
    blocks = triton.cdiv(tokens, _BLOCK_TOKENS)
    x_TD, weight_ED = x_TD.contiguous(), weight_ED.contiguous()
    weights_TK, scores_TK = (x_TD.new_empty(tokens, choices, dtype=dtype) for _ in range(2))
    experts_TK, places_TK = (x_TD.new_empty(tokens, choices, dtype=torch.int64) for _ in range(2))
    counts_E, order_S = (x_TD.new_empty(size, dtype=torch.int64) for size in (experts, tokens * choices))
    counts_NE = x_TD.new_empty(blocks, experts, dtype=torch.int32)
    routed = Routed(weights_TK, scores_TK, experts_TK, counts_E, order_S, places_TK)
    if tokens == 0:
        counts_E.zero_()
        return routed
    sizes = {
        "EXPERTS": max(16, triton.next_power_of_2(experts)),
        "SLOTS": triton.next_power_of_2(choices),
        "K": choices,
        "TOKENS": _BLOCK_TOKENS,
    }
    _choose[(blocks,)](
        x_TD, weight_ED, bias_E, *routed, counts_NE, tokens, experts, scale, eps,
        width=x_TD.shape[1], ACC=accumulator(dtype), WIDTH=_BLOCK_WIDTH, ALONE=blocks == 1, **sizes,
    )  # fmt: skip
    if blocks > 1:
        _sum_blocks[(triton.cdiv(experts, _SUMMED_EXPERTS),)](
            counts_NE, counts_E, blocks, experts, BLOCKS=_SUMMED_BLOCKS, EXPERTS=_SUMMED_EXPERTS
        )
        _place[(blocks,)](experts_TK, counts_NE, counts_E, order_S, places_TK, tokens, experts, **sizes)
    return routed


@triton.jit
def _choose(
    x_TD, weight_ED, bias_E, weights_TK, scores_TK, experts_TK, counts_E, order_S, places_TK, counts_NE,
    num_tokens, num_experts, scale, eps,
    width: tl.constexpr, ACC: tl.constexpr, WIDTH: tl.constexpr, ALONE: tl.constexpr,
    EXPERTS: tl.constexpr, SLOTS: tl.constexpr, K: tl.constexpr, TOKENS: tl.constexpr,
):  # fmt: skip
    t = tl.program_id(0) * TOKENS + tl.arange(0, TOKENS)
    e = tl.arange(0, EXPERTS)
    slots = tl.arange(0, SLOTS)
    real_t, real_e = t < num_tokens, e < num_experts
    logits = tl.zeros((TOKENS, EXPERTS), dtype=ACC)
    for start in range(0, width, WIDTH):
        d = start + tl.arange(0, WIDTH)
        x = tl.load(x_TD + t[:, None].to(tl.int64) * width + d, mask=real_t[:, None] & (d < width)[None, :], other=0.0)
        w = tl.load(weight_ED + e[None, :] * width + d[:, None], mask=real_e[None, :] & (d < width)[:, None], other=0.0)
        logits = multiply_add(x.to(ACC), w.to(ACC), logits)
    scores = 1.0 / (1.0 + tl.exp(-logits))
    ranked = scores + tl.load(bias_E + e, mask=real_e, other=0.0)[None, :].to(ACC)
    # Not a number, or a bias of minus infinity: last of the real experts, but before the padding.
    ranked = tl.where(ranked > -3e38, ranked, -3e38)
    ranked = tl.where(real_e[None, :], ranked, float("-inf"))
    chosen = tl.zeros((TOKENS, EXPERTS), dtype=tl.int32)
    experts = tl.zeros((TOKENS, SLOTS), dtype=tl.int32)
    weights = tl.zeros((TOKENS, SLOTS), dtype=ACC)
    for k in tl.static_range(K):
        best = tl.argmax(ranked, axis=1)
        hit = e[None, :] == best[:, None]
        score = tl.sum(tl.where(hit, scores, 0.0), axis=1)
        experts = tl.where(slots[None, :] == k, best[:, None], experts)
        weights = tl.where(slots[None, :] == k, score[:, None], weights)
        ranked = tl.where(hit, float("-inf"), ranked)
        chosen = tl.where(hit & real_t[:, None], 1, chosen)
    at = t[:, None].to(tl.int64) * K + slots[None, :]
    mask = real_t[:, None] & (slots < K)[None, :]
    tl.store(scores_TK + at, weights, mask=mask)
    tl.store(weights_TK + at, weights / (tl.sum(weights, axis=1) + eps)[:, None] * scale, mask=mask)
    tl.store(experts_TK + at, experts.to(tl.int64), mask=mask)
    counts = tl.sum(chosen, axis=0)
    if ALONE:
        starts = tl.cumsum(counts, 0) - counts
        _store_places(order_S, places_TK, chosen, experts, starts, at, mask, EXPERTS, K)
        tl.store(counts_E + e, counts.to(tl.int64), mask=real_e)
    else:
        tl.store(counts_NE + tl.program_id(0) * num_experts + e, counts, mask=real_e)


@triton.jit
def _sum_blocks(counts_NE, counts_E, num_blocks, num_experts, BLOCKS: tl.constexpr, EXPERTS: tl.constexpr):
    # In place: from a block's choices of an expert to those of all blocks before it.
    e = tl.program_id(0) * EXPERTS + tl.arange(0, EXPERTS)
    total = tl.zeros((EXPERTS,), dtype=tl.int32)
    start = 0
    while start < num_blocks:
        n = start + tl.arange(0, BLOCKS)
        at = counts_NE + n[:, None] * num_experts + e[None, :]
        mask = (n < num_blocks)[:, None] & (e < num_experts)[None, :]
        counts = tl.load(at, mask=mask, other=0)
        tl.store(at, tl.cumsum(counts, 0) - counts + total[None, :], mask=mask)
        total += tl.sum(counts, axis=0)
        start += BLOCKS
    tl.store(counts_E + e, total.to(tl.int64), mask=e < num_experts)


@triton.jit
def _place(
    experts_TK, before_NE, counts_E, order_S, places_TK, num_tokens, num_experts,
    EXPERTS: tl.constexpr, SLOTS: tl.constexpr, K: tl.constexpr, TOKENS: tl.constexpr,
):  # fmt: skip
    block = tl.program_id(0)
    t = block * TOKENS + tl.arange(0, TOKENS)
    e = tl.arange(0, EXPERTS)
    slots = tl.arange(0, SLOTS)
    real_e = e < num_experts
    total = tl.load(counts_E + e, mask=real_e, other=0).to(tl.int32)
    before = tl.load(before_NE + block * num_experts + e, mask=real_e, other=0)
    at = t[:, None].to(tl.int64) * K + slots[None, :]
    mask = (t < num_tokens)[:, None] & (slots < K)[None, :]
    experts = tl.load(experts_TK + at, mask=mask, other=0).to(tl.int32)
    chosen = tl.zeros((TOKENS, EXPERTS), dtype=tl.int32)
    for k in tl.static_range(K):
        expert = tl.sum(tl.where(slots[None, :] == k, experts, 0), axis=1)
        chosen = tl.where((e[None, :] == expert[:, None]) & (t < num_tokens)[:, None], 1, chosen)
    starts = tl.cumsum(total, 0) - total + before
    _store_places(order_S, places_TK, chosen, experts, starts, at, mask, EXPERTS, K)


@triton.jit
def _store_places(order_S, places_TK, chosen, experts, starts, at, mask, EXPERTS: tl.constexpr, K: tl.constexpr):
    # The rank among the block's choices of the same expert: a token takes an expert once, so earlier tokens count.
    ranks = tl.cumsum(chosen, 0) - chosen + starts[None, :]
    slots = tl.arange(0, experts.shape[1])
    places = tl.zeros(experts.shape, dtype=tl.int32)
    e = tl.arange(0, EXPERTS)
    for k in tl.static_range(K):
        expert = tl.sum(tl.where(slots[None, :] == k, experts, 0), axis=1)
        place = tl.sum(tl.where(e[None, :] == expert[:, None], ranks, 0), axis=1)
        places = tl.where(slots[None, :] == k, place[:, None], places)
    tl.store(places_TK + at, places.to(tl.int64), mask=mask)
    tl.store(order_S + places, at, mask=mask)
