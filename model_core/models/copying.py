"""First weights under which a decoder copies before it has learned anything: two induction heads wired by hand.

A summary is mostly words of its call, and a small model trained for an hour rarely finds copying by itself: the loss
falls only once two layers agree. So a first layer tells every token which tokens stand one and two places before it,
a second one looks for places where the same tokens stood before and hands on what followed there, and the head reads
that. Everything stays trainable. It knows shapes and no data.
Source: Olsson et al. 2022, "In-context Learning and Induction Heads"; the wiring by hand is this project's own.

Legend: C head width, R rotary channels of a head, N = C - R channels without position, D model width.
The residual stream begins as: one constant channel, the token's own channels, two codes of N, one of C for the head.
"""

import math
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor

from model_core.config.schema import ModelConfig
from model_core.errors import ConfigError
from model_core.models.decoder import Decoder
from model_core.models.layers import Attention

_EMBEDDING_STD = 0.25
_WRITTEN = 0.3  # so that a code is about as loud as the embedding
_HEAD_NORM = 1.5
_QUIET = 0.25  # how much of the random weights stays in a wired projection
# Shares of the three fastest rotary frequencies in a head that looks a fixed distance back.
_LOOK_BACK = (0.5, 0.3, 0.2)


@dataclass(frozen=True)
class _Channels:
    token: slice
    before: slice
    twice_before: slice
    found: slice


def wire_copying(model: Decoder, seed: int) -> None:
    """Overwrite parts of freshly drawn weights so that a run of tokens seen before goes on as it did before.

    Raises: ConfigError when the model is too small: 2 layers, 2 key-value heads, 3 rotary frequencies and 64 channels
    for tokens are needed.
    """
    config = model.config
    plain = config.head_dim - config.rotary_dim
    own = config.hidden_size - 1 - 2 * plain - config.head_dim
    if config.num_layers < 2 or config.num_kv_heads < 2 or config.rotary_dim < 6 or own < 64 or plain < 8:
        raise ConfigError(f"copying cannot be wired into {config}: there are {own} channels for tokens")
    channels = _Channels(
        slice(1, 1 + own),
        slice(1 + own, 1 + own + plain),
        slice(1 + own + plain, 1 + own + 2 * plain),
        slice(config.hidden_size - config.head_dim, config.hidden_size),
    )
    generator = torch.Generator().manual_seed(seed)
    code_No = torch.randn(plain, own, generator=generator) / own**0.5
    code_Co = torch.randn(config.head_dim, own, generator=generator) / own**0.5
    with torch.no_grad():
        _wire_embedding(model, channels, generator)
        first, second = (cast(Attention, model.layers[index].attention) for index in (0, 1))
        _wire_memory(first, config, channels, code_No)
        _wire_search(second, config, channels, code_No, code_Co)
        found_VC = model.embedding.weight[:, channels.token] @ code_Co.T
        model.head.weight[:, channels.found] = _HEAD_NORM * torch.nn.functional.normalize(found_VC, dim=-1)


def _wire_embedding(model: Decoder, channels: _Channels, generator: torch.Generator) -> None:
    weight = model.embedding.weight
    weight.mul_(_QUIET)
    own = channels.token.stop - channels.token.start
    weight[:, channels.token] = _EMBEDDING_STD * torch.randn(weight.shape[0], own, generator=generator)
    weight[:, 0] = _EMBEDDING_STD * own**0.5


def _wire_memory(attention: Attention, config: ModelConfig, channels: _Channels, code_No: Tensor) -> None:
    """Let query head 0 read the token one place before and head 1 that two places before, both by key-value head 0."""
    width, plain = config.head_dim, config.head_dim - config.rotary_dim
    _hush(attention)
    attention.k_proj.weight[:width, 0] = _look_back(config, 0)
    for head in (0, 1):
        attention.q_proj.weight[head * width : (head + 1) * width, 0] = _look_back(config, head + 1)
        target = (channels.before, channels.twice_before)[head]
        attention.o_proj.weight[target, head * width : head * width + plain] = _WRITTEN * torch.eye(plain)
    attention.v_proj.weight[:plain, channels.token] = code_No


def _wire_search(
    attention: Attention, config: ModelConfig, channels: _Channels, code_No: Tensor, code_Co: Tensor
) -> None:
    """Let one head find places after the present token, another those after the one before it, one place on."""
    width, rotary = config.head_dim, config.rotary_dim
    heads_a_group = config.num_heads // config.num_kv_heads
    eye = torch.eye(width - rotary)
    _hush(attention)
    for group, (asked, kept) in enumerate(
        ((channels.token, channels.before), (channels.before, channels.twice_before))
    ):
        query, key = group * heads_a_group * width, group * width
        attention.q_proj.weight[query + rotary : query + width, asked] = code_No if group == 0 else eye
        attention.k_proj.weight[key + rotary : key + width, kept] = eye
        attention.v_proj.weight[key : key + width, channels.token] = code_Co
        attention.o_proj.weight[channels.found, query : query + width] = _WRITTEN * torch.eye(width)


def _hush(attention: Attention) -> None:
    for projection in (attention.q_proj, attention.k_proj, attention.v_proj):
        projection.weight.mul_(_QUIET)


def _look_back(config: ModelConfig, distance: int) -> Tensor:
    """Return a head vector (C,) that, as a query, looks `distance` places back to keys of distance 0."""
    half = config.rotary_dim // 2
    vector = torch.zeros(config.head_dim)
    for number, share in enumerate(_LOOK_BACK):
        angle = distance * config.rope_theta ** (-2 * number / config.rotary_dim)
        vector[number] = share**0.5 * math.cos(angle)
        vector[half + number] = -(share**0.5) * math.sin(angle)
    return vector
