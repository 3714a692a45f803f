"""Names of slices: what several processes saved is joined to whole tensors, and a gap is found."""

from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from model_core.checkpoint.convert import stock_names, to_stock
from model_core.checkpoint.pretrained import load_folder, load_state, load_weights, save_model
from model_core.checkpoint.stored_tensors import StoredTensors
from model_core.config.recipes import get_recipe
from model_core.errors import CheckpointError
from model_core.models.decoder import Decoder
from model_core.models.moe import EXPERT_PARAMETERS
from model_core.parallel.slices import join_slices, slice_name

CONFIG = get_recipe("tiny_test").model
ROWS = torch.arange(12.0).view(4, 3)


def test_slices_are_joined_in_their_order() -> None:
    parts = {slice_name("a", range(2, 4)): ROWS[2:], "b": ROWS, slice_name("a", range(2)): ROWS[:2]}
    joined = join_slices(parts)
    assert joined.keys() == {"a", "b"}
    assert torch.equal(joined["a"], ROWS) and torch.equal(joined["b"], ROWS)


@pytest.mark.parametrize("bounds", [[(0, 1), (2, 4)], [(1, 2), (2, 4)]])
def test_rows_that_are_missing_are_named(bounds: list[tuple[int, int]]) -> None:
    with pytest.raises(CheckpointError, match="of a are missing"):
        join_slices({slice_name("a", range(start, stop)): ROWS[start:stop] for start, stop in bounds})


def test_stored_tensors_are_whole_and_read_when_they_are_asked_for(tmp_path: Path) -> None:
    save_file({slice_name("a", range(1)): ROWS[:1].clone(), "b": ROWS}, tmp_path / "1")
    rest = {slice_name("a", range(1, 4)): ROWS[1:].clone(), slice_name("c", range(2, 4)): ROWS[2:].clone()}
    save_file(rest, tmp_path / "2")
    stored = StoredTensors([tmp_path / "1", tmp_path / "2"])
    assert set(stored) == {"a", "b", "c"} and len(stored) == 3 and stored.get("d") is None
    assert torch.equal(stored["a"], ROWS) and torch.equal(stored["b"], ROWS)
    with pytest.raises(CheckpointError, match="rows 0 to 2 of c are missing"):
        stored["c"]


@pytest.mark.parametrize("name", ["a", "b", "c"])
def test_any_rows_are_to_be_had_whatever_slices_were_stored(tmp_path: Path, name: str) -> None:
    save_file({slice_name("a", range(1)): ROWS[:1].clone(), "b": ROWS}, tmp_path / "1")
    rest = {slice_name("a", range(1, 4)): ROWS[1:].clone(), slice_name("c", range(2, 4)): ROWS[2:].clone()}
    save_file(rest, tmp_path / "2")
    stored = StoredTensors([tmp_path / "1", tmp_path / "2"])
    for start, stop in combinations(range(6), 2):
        wanted = slice_name(name, range(start, stop))
        if stop <= 4 and (name != "c" or start >= 2):
            assert torch.equal(stored[wanted], ROWS[start:stop])
        else:
            with pytest.raises(CheckpointError, match=f"rows .* of {name} are missing"):
                stored[wanted]


def test_slices_of_experts_have_the_stock_names_of_those_experts() -> None:
    model = Decoder(CONFIG)
    model.init_weights(3)
    state = model.state_dict()
    whole = to_stock(CONFIG, state)
    assert sorted(whole) == sorted(stock_names(CONFIG))
    parts: dict[str, torch.Tensor] = {}
    for start, stop in ((0, 1), (1, 4)):
        part = {
            slice_name(name, range(start, stop)) if name.endswith(("_EJD", "_EDI")) else name: tensor[start:stop]
            if name.endswith(("_EJD", "_EDI"))
            else tensor
            for name, tensor in state.items()
        }
        parts |= to_stock(CONFIG, part)
    assert parts.keys() == whole.keys()
    assert all(torch.equal(parts[name], tensor) for name, tensor in whole.items())


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Decoder, Path]:
    """A whole model and its folder."""
    model, folder = Decoder(CONFIG), tmp_path_factory.mktemp("saved") / "model"
    model.init_weights(3)
    save_model(folder, CONFIG, model.state_dict())
    return model, folder


@pytest.mark.parametrize("held", [range(1), range(1, 3), range(2, 4)])
def test_who_holds_some_experts_draws_and_reads_those_of_the_whole_model(
    saved: tuple[Decoder, Path], held: range
) -> None:
    drawn, read = Decoder(CONFIG, held), Decoder(CONFIG, held)
    drawn.init_weights(3)
    load_folder(read, saved[1])
    for name, tensor in saved[0].state_dict().items():
        wanted = tensor[held.start : held.stop] if name.endswith(EXPERT_PARAMETERS) else tensor
        assert torch.equal(drawn.state_dict()[name], wanted) and torch.equal(read.state_dict()[name], wanted), name


def test_no_two_experts_begin_alike(saved: tuple[Decoder, Path]) -> None:
    model = Decoder(replace(CONFIG, num_layers=4))
    model.init_weights(3)
    stacks = [stack for name, stack in model.named_parameters() if name.endswith("gate_up_EJD")]
    assert len({float(expert[0, 0]) for stack in stacks for expert in stack}) == 3 * CONFIG.num_experts


@pytest.mark.parametrize(
    "changes,message",
    [
        ({"num_layers": 1}, r"this one has no layers\.1\."),
        ({"num_layers": 3}, r"layers\.2\.attention_norm\.weight is missing; this one needs \(32,\)"),
        ({"moe_intermediate_size": 8}, r"gate_up_EJD@0:2 is \(2, .*, 32\); this one needs \(2, 16, 32\)"),
        ({"num_experts": 8}, r"router\.\w+ is \(4.*\); this one needs \(8"),
    ],
)
def test_weights_of_another_model_are_named(saved: tuple[Decoder, Path], changes: dict[str, int], message: str) -> None:
    with pytest.raises(CheckpointError, match=rf"the weights are of another model: .*{message}"):
        load_weights(Decoder(replace(CONFIG, **changes), range(2)), load_state(saved[1]))
