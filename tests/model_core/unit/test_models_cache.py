"""Decoding with the cache, and packed rows, against the plain forward pass of each sequence alone."""

import pytest
import torch

from model_core.config.recipes import get_recipe
from model_core.errors import ConfigError
from model_core.models.cache import KVCache
from model_core.models.decoder import Decoder, document_lengths


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


@torch.no_grad()
def test_a_batch_of_mixed_lengths_decodes_as_each_alone(model: Decoder) -> None:
    rows = sequences([20, 33, 7])
    prompts = [11, 30, 3]
    cache = KVCache(model.config, 3, 64)
    padded = torch.zeros(3, 30, dtype=torch.int64)
    for row, (ids, prompt) in enumerate(zip(rows, prompts, strict=True)):
        padded[row, :prompt] = ids[:prompt]
    logits = model(padded, cache=cache, counts=prompts)
    assert cache.lengths == prompts
    alone = [model(ids[None])[0] for ids in rows]
    for row, prompt in enumerate(prompts):
        assert torch.allclose(logits[row, :prompt], alone[row][:prompt], atol=1e-4)
    for step in range(3):
        new = torch.stack([ids[prompt + step] for ids, prompt in zip(rows, prompts, strict=True)])
        logits = model(new[:, None], cache=cache)
        for row, prompt in enumerate(prompts):
            assert torch.allclose(logits[row, 0], alone[row][prompt + step], atol=1e-4)


@torch.no_grad()
def test_several_tokens_at_once_after_a_prompt(model: Decoder) -> None:
    (ids,) = sequences([40])
    cache = KVCache(model.config, 1, 64)
    model(ids[None, :15], cache=cache)
    assert torch.allclose(model(ids[None, 15:], cache=cache)[0], model(ids[None])[0, 15:], atol=1e-4)


@torch.no_grad()
def test_rows_can_be_copied_dropped_and_cut_back(model: Decoder) -> None:
    rows = sequences([10, 10])
    cache = KVCache(model.config, 2, 32)
    model(torch.stack(rows), cache=cache)
    cache.select([1, 1, 0])
    cache.truncate([6, 10, 10])
    next_ids = torch.stack([rows[1][6], torch.tensor(5), torch.tensor(6)])[:, None]
    logits = model(next_ids, cache=cache)
    assert torch.allclose(logits[0, 0], model(rows[1][None])[0, 6], atol=1e-4)
    assert torch.allclose(logits[2, 0], model(torch.cat((rows[0], torch.tensor([6])))[None])[0, -1], atol=1e-4)


def test_a_full_cache_names_its_limit(model: Decoder) -> None:
    cache = KVCache(model.config, 1, 8)
    with pytest.raises(ConfigError, match="9 tokens; its limit is 8"):
        model(torch.zeros(1, 9, dtype=torch.int64), cache=cache)


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
    assert torch.equal(other[20:], packed[20:])


def test_a_document_ends_with_its_row() -> None:
    assert document_lengths(torch.tensor([[0, 0, 1], [1, 1, 2]])) == [2, 1, 2, 1]
