"""Names of slices: what several processes saved is joined to whole tensors, and a gap is found."""

import pytest
import torch

from model_core.checkpoint.convert import stock_count, to_stock
from model_core.config.recipes import get_recipe
from model_core.errors import CheckpointError
from model_core.models.decoder import Decoder
from model_core.parallel.slices import join_slices, slice_name

CONFIG = get_recipe("tiny_test").model
ROWS = torch.arange(12.0).view(4, 3)


def test_slices_are_joined_in_their_order() -> None:
    parts = {slice_name("a", 2, 4): ROWS[2:], "b": ROWS, slice_name("a", 0, 2): ROWS[:2]}
    joined = join_slices(parts)
    assert joined.keys() == {"a", "b"}
    assert torch.equal(joined["a"], ROWS) and torch.equal(joined["b"], ROWS)


@pytest.mark.parametrize("bounds", [[(0, 1), (2, 4)], [(1, 2), (2, 4)]])
def test_rows_that_are_missing_are_named(bounds: list[tuple[int, int]]) -> None:
    with pytest.raises(CheckpointError, match="of a are missing"):
        join_slices({slice_name("a", start, stop): ROWS[start:stop] for start, stop in bounds})


def test_slices_of_experts_have_the_stock_names_of_those_experts() -> None:
    model = Decoder(CONFIG)
    model.init_weights(3)
    state = model.state_dict()
    whole = to_stock(CONFIG, state)
    assert len(whole) == stock_count(CONFIG)
    parts: dict[str, torch.Tensor] = {}
    for start, stop in ((0, 1), (1, 4)):
        part = {
            slice_name(name, start, stop) if name.endswith(("_EJD", "_EDI")) else name: tensor[start:stop]
            if name.endswith(("_EJD", "_EDI"))
            else tensor
            for name, tensor in state.items()
        }
        parts |= to_stock(CONFIG, part)
    assert parts.keys() == whole.keys()
    assert all(torch.equal(parts[name], tensor) for name, tensor in whole.items())
