"""The decoder: token embedding, attention and feed-forward layers, final norm, output head.

What it computes is the stock Glm4MoeForCausalLM, or with a softmax router the stock Qwen3MoeForCausalLM; how it is
stored on disk is `model_core.checkpoint.convert`'s matter, how it generates `cached`'s. It knows no tokenizer and no
loss.

Legend: B sequences, T tokens, D model width, V vocabulary.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from model_core.config.schema import ModelConfig
from model_core.models.layers import Attention, RMSNorm, Rotary, SwiGLU
from model_core.models.moe import EXPERT_PARAMETERS, MoE, Router

# The norms bound a score by weight^2 x sqrt(head width), half of it from position. With weights of 1 and heads of 48
# channels no head can single out one position among hundreds, and copying is not learned.
_QK_NORM_INIT = 1.7


class Layer(nn.Module):
    """One decoder layer, pre-norm with residuals."""

    def __init__(self, config: ModelConfig, index: int, held_experts: int) -> None:
        super().__init__()
        self.attention_norm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.attention = Attention(config)
        self.mlp_norm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        dense = index < config.num_dense_layers
        self.mlp: nn.Module = (
            SwiGLU(config.hidden_size, config.dense_intermediate_size) if dense else MoE(config, held_experts)
        )

    def forward(self, x_BTD: Tensor, rotation: tuple[Tensor, Tensor], documents: Sequence[int]) -> Tensor:
        """Return the residual stream after this layer."""
        x_BTD = x_BTD + self.attention(self.attention_norm(x_BTD), rotation, documents)
        y: Tensor = x_BTD + self.mlp(self.mlp_norm(x_BTD))
        return y


class Decoder(nn.Module):
    """The model. `forward` gives logits, `hidden` the states before the head (for losses and last tokens).

    It holds all experts, or the `held_experts` of every layer. With `checkpointing`, training keeps the input of each
    layer alone and computes the layer again for its backward.
    """

    def __init__(self, config: ModelConfig, held_experts: range | None = None) -> None:
        super().__init__()
        self.config = config
        self.held_experts = range(config.num_experts) if held_experts is None else held_experts
        self.checkpointing = False
        self.embedding = nn.Embedding(config.vocab_size, config.hidden_size)
        self.rotary = Rotary(config)
        self.layers = nn.ModuleList(Layer(config, index, len(self.held_experts)) for index in range(config.num_layers))
        self.norm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)

    def forward(self, ids_BT: Tensor, *, positions: Tensor | None = None, document_ids: Tensor | None = None) -> Tensor:
        """Return the logits (B, T, V) of each next token.

        `positions` (B, T) start at 0 in each row, unless given; `document_ids` (B, T) keep packed documents apart: a
        run of equal ids sees only itself.
        """
        logits: Tensor = self.head(self.hidden(ids_BT, positions=positions, document_ids=document_ids))
        return logits

    def hidden(self, ids_BT: Tensor, *, positions: Tensor | None = None, document_ids: Tensor | None = None) -> Tensor:
        """Return the normed states (B, T, D) that the head reads; arguments as in `forward`."""
        batch, tokens = ids_BT.shape
        if positions is None:
            positions = torch.arange(tokens, device=ids_BT.device).expand(batch, tokens)
        documents = [tokens] * batch if document_ids is None else document_lengths(document_ids)
        rotation = self.rotary(positions)
        x_BTD = self.embedding(ids_BT)
        for layer in self.layers:
            if self.checkpointing and self.training:
                x_BTD = self._checkpointed(layer, x_BTD, rotation, documents)
            else:
                x_BTD = layer(x_BTD, rotation, documents)
        normed: Tensor = self.norm(x_BTD)
        return normed

    def _checkpointed(
        self, layer: nn.Module, x_BTD: Tensor, rotation: tuple[Tensor, Tensor], documents: Sequence[int]
    ) -> Tensor:
        """Run a layer that keeps nothing but its input. Source: Chen et al. 2016, arXiv 1604.06174."""

        def contexts() -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
            return nullcontext(), self._uncounted()

        y_BTD: Tensor = checkpoint(
            layer, x_BTD, rotation, documents, use_reentrant=False, preserve_rng_state=False, context_fn=contexts
        )
        return y_BTD

    @contextmanager
    def _uncounted(self) -> Iterator[None]:
        for router in self.routers():
            router.counting = False
        try:
            yield
        finally:
            for router in self.routers():
                router.counting = True

    def routers(self) -> Iterator[Router]:
        """Yield the router of each mixture-of-experts layer, in order."""
        for layer in self.layers:
            if isinstance(layer.mlp, MoE):
                yield layer.mlp.router

    @torch.no_grad()
    def init_weights(self, seed: int) -> None:
        """Draw all matrices anew from N(0, init_std), residual outputs narrower by the depth, from `seed` alone.

        Each matrix, an expert's too, has a seed of its own: an expert is the same whichever others are held.
        Source: Radford et al. 2019 (GPT-2), section 2.3, for the scaling with depth.
        """
        generator = torch.Generator().manual_seed(seed)
        # Torch uses 32 bits of a seed. Counted on from a drawn one, no two are alike, as of hashes some would be.
        first_seed = int(torch.randint(2**32, (), generator=generator))
        narrow = self.config.init_std / (2 * self.config.num_layers) ** 0.5
        for number, (name, parameter) in enumerate(self.named_parameters()):
            if parameter.dim() > 1:
                is_residual = name.endswith(("o_proj.weight", "down_proj.weight", "down_EDI"))
                std = narrow if is_residual else self.config.init_std
                for index, matrix in self._matrices(name, parameter):
                    generator.manual_seed(first_seed + number * self.config.num_experts + index)
                    matrix.normal_(0.0, std, generator=generator)
            elif name.endswith(("q_norm.weight", "k_norm.weight")):
                parameter.fill_(_QK_NORM_INIT)
            elif name.endswith(".bias"):
                parameter.zero_()

    def _matrices(self, name: str, parameter: Tensor) -> Iterable[tuple[int, Tensor]]:
        """Return the experts of a stack with their numbers, or any other parameter as the only one."""
        stacked = name.endswith(EXPERT_PARAMETERS)
        return zip(self.held_experts, parameter, strict=True) if stacked else [(0, parameter)]


def document_lengths(document_ids_BT: Tensor) -> list[int]:
    """Return the lengths of the runs of equal ids, row after row; a run ends with its row."""
    rows_B1 = torch.arange(document_ids_BT.shape[0], device=document_ids_BT.device)[:, None]
    keys = torch.stack((rows_B1.expand_as(document_ids_BT), document_ids_BT), dim=-1).flatten(0, 1)
    lengths: list[int] = torch.unique_consecutive(keys, dim=0, return_counts=True)[1].tolist()
    return lengths
