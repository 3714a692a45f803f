"""Our decoder against a stock model of transformers: logits, both measured against fp64, and greedy tokens."""

import copy
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from transformers.modeling_utils import PreTrainedModel

from model_core.models.cached import CachedDecoder
from model_core.models.decoder import Decoder
from tests.model_core.comparison import relative_error


class _CastsToDouble(TorchFunctionMode):
    """Turns the stock classes' own casts to fp32 (in norms and routers) into casts to fp64."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        wide = {name: torch.float64 if value is torch.float32 else value for name, value in (kwargs or {}).items()}
        values = (torch.float64 if value is torch.float32 else value for value in args)
        return func(*values, **wide)


@torch.no_grad()
def logits_in_double(stock: PreTrainedModel, ids: Tensor) -> Tensor:
    """Return the logits of a copy in fp64; the tables of angles stay those of fp32, which all programs make alike."""
    double = copy.deepcopy(stock).double()
    rotary = double.model.rotary_emb.float()
    tables = [table.double() for table in rotary(torch.empty(0), torch.arange(ids.shape[1])[None])]
    rotary.forward = lambda *_, **__: tables
    with _CastsToDouble():
        logits: Tensor = double(ids).logits
    return logits


@torch.no_grad()
def check_logits(ours: Decoder, stock: PreTrainedModel, ids: Tensor) -> None:
    """Assert that ours computes what the stock model does: in fp64 the same, in fp32 as near to that as it does.

    The second limit is 1e-6, or what the stock class itself is off by where its model loses more.
    """
    exact = logits_in_double(stock, ids)
    assert relative_error(copy.deepcopy(ours).double()(ids), exact) <= 1e-12
    rounding = relative_error(stock(ids).logits, exact)
    assert relative_error(ours(ids), exact) <= max(1e-6, 1.25 * rounding)


@torch.no_grad()
def greedy_tokens(ours: Decoder, prompt: list[int], count: int) -> list[int]:
    """Return the likeliest `count` tokens after a prompt, read against the cache."""
    decoder = CachedDecoder(ours)
    cache, every = decoder.new_cache(1, len(prompt) + count), torch.arange(ours.config.vocab_size)
    found: list[int] = []
    while len(found) < count:
        (*_, state) = decoder.read([found[-1:] or prompt], cache)
        found.append(int(decoder.logits(state, every).argmax()))
    return found


@torch.no_grad()
def stock_greedy_tokens(stock: PreTrainedModel, prompt: list[int], count: int) -> list[int]:
    """Return the same by `generate` of transformers."""
    lengths = {"min_new_tokens": count, "max_new_tokens": count}
    ids = stock.generate(torch.tensor([prompt]), **lengths, do_sample=False, eos_token_id=None, pad_token_id=0)
    found: list[int] = ids[0, len(prompt) :].tolist()
    return found
