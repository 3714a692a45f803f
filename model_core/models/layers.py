"""The parts that every decoder layer has: RMS norm, rotary positions, grouped-query attention, the dense feed-forward.

They follow the stock Glm4Moe layers in what they compute, in plain PyTorch. They know no experts and no vocabulary.

Legend: B sequences, T tokens, N = B x T, D model width, H heads, C head width, R rotary channels of a head.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from model_core.config.schema import ModelConfig
from model_core.ops.attention import causal_attention, causal_attention_reference


class RMSNorm(nn.Module):
    """Scale each row to unit root mean square, in fp32, then by a learned weight.

    Source: Zhang and Sennrich 2019, arXiv 1910.07467.
    """

    def __init__(self, width: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        """Return the normed `x`, in its own dtype."""
        return functional.rms_norm(x, self.weight.shape, self.weight.to(x.dtype), self.eps)


class Rotary(nn.Module):
    """The rotation angles of each position, for the first channels of a head.

    Source: Su et al. 2021, arXiv 2104.09864, in the half-split form.
    """

    cos: Tensor
    sin: Tensor

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        exponents = torch.arange(0, config.rotary_dim, 2, dtype=torch.int64).float() / config.rotary_dim
        frequencies = 1.0 / (config.rope_theta**exponents)
        angles = torch.arange(config.max_positions).float()[:, None] * frequencies
        angles = torch.cat((angles, angles), dim=-1)
        self.register_buffer("cos", angles.cos(), persistent=False)
        self.register_buffer("sin", angles.sin(), persistent=False)

    def forward(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Return cosines and sines (..., 1, R) for integer positions (...)."""
        return self.cos[positions][..., None, :], self.sin[positions][..., None, :]


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Return heads (..., H, C) with their first R channels turned by their positions."""
    width = cos.shape[-1]
    turned, kept = torch.split(x, [width, x.shape[-1] - width], dim=-1)
    first, second = turned.chunk(2, dim=-1)
    turned = turned * cos.to(x.dtype) + torch.cat((-second, first), dim=-1) * sin.to(x.dtype)
    return torch.cat((turned, kept), dim=-1)


class Attention(nn.Module):
    """Causal grouped-query attention, with a norm on the queries and keys of each head where the model has it."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.head_dim = config.head_dim
        bias = config.attention_bias
        self.q_proj = nn.Linear(config.hidden_size, config.num_heads * config.head_dim, bias=bias)
        self.k_proj = nn.Linear(config.hidden_size, config.num_kv_heads * config.head_dim, bias=bias)
        self.v_proj = nn.Linear(config.hidden_size, config.num_kv_heads * config.head_dim, bias=bias)
        self.o_proj = nn.Linear(config.num_heads * config.head_dim, config.hidden_size, bias=False)
        self.q_norm = RMSNorm(config.head_dim, config.rms_norm_eps) if config.qk_norm else nn.Identity()
        self.k_norm = RMSNorm(config.head_dim, config.rms_norm_eps) if config.qk_norm else nn.Identity()

    def forward(self, x_BTD: Tensor, rotation: tuple[Tensor, Tensor], documents: Sequence[int]) -> Tensor:
        """Return the attended values. `documents` are the lengths of the runs of tokens that see only themselves."""
        heads = (*x_BTD.shape[:2], -1, self.head_dim)
        q_BTHC = rotate(self.q_norm(self.q_proj(x_BTD).view(heads)), *rotation)
        k_BTHC = rotate(self.k_norm(self.k_proj(x_BTD).view(heads)), *rotation)
        v_BTHC = self.v_proj(x_BTD).view(heads)
        parts = [torch.split(x.flatten(0, 1), list(documents)) for x in (q_BTHC, k_BTHC, v_BTHC)]
        blocked = q_BTHC.device.type == "cpu" and q_BTHC.requires_grad
        attend = causal_attention if blocked else causal_attention_reference
        y = torch.cat([attend(q, k, v) for q, k, v in zip(*parts, strict=True)])
        output: Tensor = self.o_proj(y.reshape(*x_BTD.shape[:2], -1))
        return output


class SwiGLU(nn.Module):
    """The dense feed-forward: ``down(silu(gate(x)) * up(x))``. Source: Shazeer 2020, arXiv 2002.05202."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(width, inner, bias=False)
        self.up_proj = nn.Linear(width, inner, bias=False)
        self.down_proj = nn.Linear(inner, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return the transformed rows."""
        y: Tensor = self.down_proj(functional.silu(self.gate_proj(x)) * self.up_proj(x))
        return y
