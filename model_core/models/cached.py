"""The decoder as it generates: new tokens of several sequences against a cache of what stands before them.

It computes what `decoder.Decoder` computes and is made from one whose weights no longer change: query, key and value
are joined to one product, gate and up to another. The new tokens of all sequences lie end to end, so none is padding.
It knows no tokenizer and chooses no token.

Legend: N new tokens of all sequences, B sequences, T most new tokens of one, S cache slots, D model width, H query
heads, G key-value heads, R = H / G, C head width, J = 2 x inner width, I inner width, V vocabulary.
"""

from collections.abc import Sequence
from typing import NamedTuple, cast

import torch
from torch import Tensor
from torch.nn import functional

from model_core.models.cache import KVCache
from model_core.models.decoder import Decoder, Layer
from model_core.models.layers import RMSNorm, SwiGLU
from model_core.models.moe import MoE
from model_core.ops.attention import causal_attention_reference
from model_core.ops.experts import expert_mlp


class _Joined(NamedTuple):
    """The weights of one layer; `gate_up_JD` and `down_DI` are those of the dense feed-forward or the shared expert."""

    attention_norm_D: Tensor
    qkv_XD: Tensor
    qkv_bias_X: Tensor | None
    head_norm_XC: Tensor | None
    output_DX: Tensor
    mlp_norm_D: Tensor
    moe: MoE | None
    gate_up_JD: Tensor | None
    down_DI: Tensor | None


class _Places(NamedTuple):
    """Where the new tokens stand: in which sequence, at which of its new tokens, at which position of all."""

    counts: list[int]
    rows_N: Tensor
    columns_N: Tensor
    positions_N: Tensor


class CachedDecoder:
    """A decoder ready to generate. Weights that change later are not seen."""

    def __init__(self, model: Decoder) -> None:
        self.config = model.config
        self._embedding_VD, self._head_VD = model.embedding.weight, model.head.weight
        self._norm_D = model.norm.weight
        with torch.no_grad():
            self._layers = [_join(cast(Layer, layer)) for layer in model.layers]
            self._cos_SC, self._sin_SC, self._partner_C = _rotation(model)

    def new_cache(self, batch: int, max_len: int) -> KVCache:
        """Return an empty cache of `batch` sequences of up to `max_len` tokens each."""
        head = self._head_VD
        return KVCache(self.config, batch, max_len, dtype=head.dtype, device=head.device)

    @torch.inference_mode()
    def read(self, tokens: Sequence[Sequence[int]], cache: KVCache) -> Tensor:
        """Return the normed states (N, D) of the new tokens of each sequence, one sequence after the other.

        A sequence may have none. Prompts are read into an empty cache.

        Raises: ConfigError when the cache would overflow. Side effects: lengthens the cache.
        """
        places = self._places(tokens, cache)
        mask = self._mask(places, cache) if any(cache.lengths) else None
        ids_N = torch.tensor([token for row in tokens for token in row], device=self._head_VD.device)
        cos, sin = (table[places.positions_N][:, None] for table in (self._cos_SC, self._sin_SC))
        x_ND = functional.embedding(ids_N, self._embedding_VD)
        for number, layer in enumerate(self._layers):
            q, k, v = self._heads(x_ND, layer, cos, sin)
            keys_BGSC, values_BGSC = cache.write(number, places.rows_N, places.positions_N, k, v)
            if mask is None:
                parts = (torch.split(x, places.counts) for x in (q, k, v))
                y_NHC = torch.cat([causal_attention_reference(*part) for part in zip(*parts, strict=True)])
            else:
                y_NHC = _attend(q, keys_BGSC, values_BGSC, mask, places)
            x_ND = self._feed(torch.addmm(x_ND, y_NHC.flatten(1), layer.output_DX.t()), layer)
        cache.advance(places.counts)
        return self._normed(x_ND, self._norm_D)

    @torch.inference_mode()
    def logits(self, state_D: Tensor, ids: Tensor) -> Tensor:
        """Return the logits in fp32, on the CPU, of the tokens `ids` to follow a state."""
        return torch.mv(self._head_VD.index_select(0, ids.to(state_D.device)), state_D).float().cpu()

    def _places(self, tokens: Sequence[Sequence[int]], cache: KVCache) -> _Places:
        counts = [len(row) for row in tokens]
        cache.require(counts)
        rows = [row for row, count in enumerate(counts) for _ in range(count)]
        columns = [column for count in counts for column in range(count)]
        positions = [cache.lengths[row] + column for row, column in zip(rows, columns, strict=True)]
        return _Places(counts, *torch.tensor([rows, columns, positions], device=self._head_VD.device).unbind(0))

    def _mask(self, places: _Places, cache: KVCache) -> Tensor:
        """Return what to add to scores (B x G, R x T, S): nothing where a token may look, minus infinity elsewhere."""
        batch, most = len(places.counts), max(places.counts)
        device = self._head_VD.device
        positions_BT1 = (
            torch.tensor(cache.lengths, device=device)[:, None, None] + torch.arange(most, device=device)[:, None]
        )
        slots = max(length + count for length, count in zip(cache.lengths, places.counts, strict=True))
        hidden_BTS = torch.arange(slots, device=device) > positions_BT1
        mask_BTS = torch.zeros(hidden_BTS.shape, dtype=self._head_VD.dtype, device=device)
        mask_BTS.masked_fill_(hidden_BTS, float("-inf"))
        wide = mask_BTS[:, None].expand(batch, self.config.num_heads, most, slots)
        return wide.reshape(batch * self.config.num_kv_heads, -1, slots)

    def _normed(self, x: Tensor, weight: Tensor | None) -> Tensor:
        return functional.rms_norm(x, x.shape[-1:], weight, self.config.rms_norm_eps)

    def _heads(self, x_ND: Tensor, layer: _Joined, cos: Tensor, sin: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        heads, groups = self.config.num_heads, self.config.num_kv_heads
        qkv = functional.linear(self._normed(x_ND, layer.attention_norm_D), layer.qkv_XD, layer.qkv_bias_X)
        by_head = qkv.view(x_ND.shape[0], -1, self.config.head_dim)
        qk, v = torch.split(by_head, [heads + groups, groups], dim=1)
        if layer.head_norm_XC is not None:
            qk = self._normed(qk, None) * layer.head_norm_XC
        qk = torch.addcmul(qk * cos, qk.index_select(2, self._partner_C), sin)
        q, k = torch.split(qk, [heads, groups], dim=1)
        return q, k, v

    def _feed(self, x_ND: Tensor, layer: _Joined) -> Tensor:
        h_ND = self._normed(x_ND, layer.mlp_norm_D)
        if layer.moe is not None:
            weights_NK, experts_NK, sorting = layer.moe.router(h_ND)
            matrices = layer.moe.gate_up_EJD, layer.moe.down_EDI
            x_ND = x_ND + expert_mlp(h_ND, weights_NK, experts_NK, *matrices, sorting=sorting)
        if layer.gate_up_JD is None or layer.down_DI is None:
            return x_ND
        gate, up = functional.linear(h_ND, layer.gate_up_JD).chunk(2, dim=-1)
        return torch.addmm(x_ND, functional.silu(gate).mul_(up), layer.down_DI.t())


def _attend(q_NHC: Tensor, keys_BGSC: Tensor, values_BGSC: Tensor, mask: Tensor, places: _Places) -> Tensor:
    """Return the attended values (N, H, C). The queries of a group lie together, so that no key is copied."""
    (_, heads, width), (batch, groups) = q_NHC.shape, keys_BGSC.shape[:2]
    most, slots = max(places.counts), mask.shape[2]
    q_BTHC = q_NHC.new_zeros(batch, most, heads, width)
    q_BTHC[places.rows_N, places.columns_N] = q_NHC
    q = q_BTHC.view(batch, most, groups, -1, width).permute(0, 2, 3, 1, 4).reshape(batch * groups, -1, width)
    keys, values = keys_BGSC[:, :, :slots].flatten(0, 1), values_BGSC[:, :, :slots].flatten(0, 1)
    scores = torch.baddbmm(mask, q, keys.transpose(1, 2), alpha=width**-0.5)
    y = torch.bmm(scores.softmax(dim=-1), values).view(batch, groups, -1, most, width)
    return y.permute(0, 3, 1, 2, 4).reshape(batch, most, heads, width)[places.rows_N, places.columns_N]


def _join(layer: Layer) -> _Joined:
    attention, mlp = layer.attention, layer.mlp
    projections = (attention.q_proj, attention.k_proj, attention.v_proj)
    biases: list[Tensor] = [projection.bias for projection in projections if projection.bias is not None]
    feed = cast(SwiGLU | None, mlp.shared if isinstance(mlp, MoE) else mlp)
    return _Joined(
        attention_norm_D=layer.attention_norm.weight,
        qkv_XD=torch.cat([projection.weight for projection in projections]),
        qkv_bias_X=torch.cat(biases) if biases else None,
        head_norm_XC=_head_norms(layer),
        output_DX=attention.o_proj.weight,
        mlp_norm_D=layer.mlp_norm.weight,
        moe=mlp if isinstance(mlp, MoE) else None,
        gate_up_JD=None if feed is None else torch.cat((feed.gate_proj.weight, feed.up_proj.weight)),
        down_DI=None if feed is None else feed.down_proj.weight,
    )


def _head_norms(layer: Layer) -> Tensor | None:
    norms = (layer.attention.q_norm, layer.attention.k_norm)
    outputs = (layer.attention.q_proj.out_features, layer.attention.k_proj.out_features)
    weights = [
        norm.weight.expand(size // norm.weight.shape[0], -1)
        for norm, size in zip(norms, outputs, strict=True)
        if isinstance(norm, RMSNorm)
    ]
    return torch.cat(weights) if weights else None


def _rotation(model: Decoder) -> tuple[Tensor, Tensor, Tensor]:
    """Return, for whole heads, cosines and signed sines of every position and the channel that each is turned with."""
    (slots, rotary), width = model.rotary.cos.shape, model.config.head_dim
    sign = torch.ones(rotary, device=model.rotary.sin.device)
    sign[: rotary // 2] = -1
    still = model.rotary.cos.new_ones(slots, width - rotary)
    cos_SC = torch.cat((model.rotary.cos, still), dim=1)
    sin_SC = torch.cat((model.rotary.sin * sign, torch.zeros_like(still)), dim=1)
    partner_C = torch.arange(width, device=sign.device)
    partner_C[:rotary] = partner_C[:rotary].roll(rotary // 2)
    dtype = model.head.weight.dtype
    return cos_SC.to(dtype), sin_SC.to(dtype), partner_C
