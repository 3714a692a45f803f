"""Decoding with the cache, and packed rows, against the plain forward pass of each sequence alone."""

from dataclasses import replace
from typing import Any

import pytest
import torch

from model_core.config.recipes import get_recipe
from model_core.config.schema import RouterKind
from model_core.errors import ConfigError
from model_core.models.cached import CachedDecoder
from model_core.models.decoder import Decoder, document_lengths
from tests.model_core.comparison import relative_error


@pytest.fixture(scope="module")
def model() -> Decoder:
    model = Decoder(get_recipe("tiny_test").model)
    model.init_weights(2)
    for parameter in model.parameters():
        if parameter.dim() > 1:
            parameter.data *= 8
    return model.eval()


def sequences(lengths: list[int]) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.randint(0, 512, (length,), generator=generator) for length in lengths]


def logits(decoder: CachedDecoder, states: torch.Tensor) -> torch.Tensor:
    every = torch.arange(decoder.config.vocab_size)
    return torch.stack([decoder.logits(state, every) for state in states])


@torch.no_grad()
def test_a_batch_of_mixed_lengths_decodes_as_each_alone(model: Decoder) -> None:
    rows = [ids.tolist() for ids in sequences([20, 33, 7])]
    alone = [model(torch.tensor([ids]))[0] for ids in rows]
    decoder = CachedDecoder(model)
    cache = decoder.new_cache(3, 64)
    for ends in ([11, 30, 3], [12, 31, 4], [20, 31, 7], [20, 33, 7]):
        begins = list(cache.lengths)
        new = [ids[begin:end] for ids, begin, end in zip(rows, begins, ends, strict=True)]
        found = logits(decoder, decoder.read(new, cache))
        wanted = torch.cat([row[begin:end] for row, begin, end in zip(alone, begins, ends, strict=True)])
        assert cache.lengths == ends
        assert relative_error(found, wanted) < 1e-5


@torch.no_grad()
def test_rows_can_be_copied_dropped_and_cut_back(model: Decoder) -> None:
    rows = [ids.tolist() for ids in sequences([10, 10])]
    decoder = CachedDecoder(model)
    cache = decoder.new_cache(2, 32)
    decoder.read(rows, cache)
    cache.select([1, 1, 0])
    cache.truncate([6, 10, 10])
    found = logits(decoder, decoder.read([[rows[1][6]], [], [6]], cache))
    assert cache.lengths == [7, 10, 11]
    wanted = [model(torch.tensor([ids]))[0, -1] for ids in (rows[1][:7], [*rows[0], 6])]
    assert relative_error(found, torch.stack(wanted)) < 1e-5


def test_a_full_cache_names_its_limit(model: Decoder) -> None:
    decoder = CachedDecoder(model)
    with pytest.raises(ConfigError, match="9 tokens; its limit is 8"):
        decoder.read([[0] * 9], decoder.new_cache(1, 8))


@pytest.mark.parametrize(
    "router,changes", [("softmax", {"shared_expert": False}), ("sigmoid", {"qk_norm": False, "attention_bias": True})]
)
@torch.no_grad()
def test_other_forms_of_the_model_decode_too(router: RouterKind, changes: dict[str, Any]) -> None:
    model = Decoder(replace(get_recipe("tiny_test").model, router=router, **changes))
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.2, generator=torch.Generator().manual_seed(1))
    (ids,) = sequences([30])
    decoder = CachedDecoder(model)
    cache = decoder.new_cache(1, 30)
    states = torch.cat([decoder.read([part.tolist()], cache) for part in ids.split([20, 9, 1])])
    assert relative_error(logits(decoder, states), model.eval()(ids[None])[0]) < 1e-5


@torch.no_grad()
def test_packed_documents_do_not_see_one_another(model: Decoder) -> None:
    rows = sequences([20, 5, 12])
    documents = torch.cat([torch.full((len(ids),), number) for number, ids in enumerate(rows)])
    positions = torch.cat([torch.arange(len(ids)) for ids in rows])
    packed = model(torch.cat(rows)[None], positions=positions[None], document_ids=documents[None])[0]
    for found, ids in zip(packed.split([20, 5, 12]), rows, strict=True):
        assert torch.allclose(found, model(ids[None])[0], atol=1e-4)
    changed = rows[0].clone()
    changed[:] = 7
    other = model(torch.cat((changed, *rows[1:]))[None], positions=positions[None], document_ids=documents[None])[0]
    # The other rows' routing may change the order in which a product is summed, and nothing else.
    assert torch.allclose(other[20:], packed[20:], atol=1e-5)


def test_a_document_ends_with_its_row() -> None:
    assert document_lengths(torch.tensor([[0, 0, 1], [1, 1, 2]])) == [2, 1, 2, 1]
