"""Packed rows, example sources and the batch worker: nothing lost, nothing mixed, the same data from any index."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_core.data.batches import BatchMaker, BatchStream
from model_core.data.call import Item, Line, Summary
from model_core.data.examples import MixedExamples, SimulatedExamples, SummaryExample, read_approved
from model_core.data.packing import EncodedExample, pack
from model_core.data.summary_format import FormatError
from model_core.errors import DataError

SUMMARY = Summary("제목", Item("한 줄", (1,)), (), (), (), "telecom", "resolved", "neutral")


@dataclass(frozen=True)
class Numbered:
    """Examples whose one line is their index."""

    def example(self, index: int) -> SummaryExample:
        return SummaryExample((Line("A", str(index)),), SUMMARY)


def encode(example: SummaryExample) -> tuple[list[int], list[int], list[float]]:
    """Return ids of lengths that vary with the index; every 7th does not fit the format, every 11th is too long."""
    index = int(example.lines[0].text)
    if index % 7 == 3:
        raise FormatError("left out")
    answer = 500 if index % 11 == 5 else 3
    return [index] * (5 + index % 4), [1] * answer, [1.0] * answer


def maker() -> BatchMaker:
    return BatchMaker(
        Numbered(), encode, max_tokens=64, tokens_per_micro_batch=40, micro_batches=3, transcript_weight=0.25
    )


def steps(index: int, count: int) -> Iterator[tuple[list[int], int]]:
    for _ in range(count):
        step = maker().step(index)
        first_ids = [int(ids[0]) for micro in step.micro_batches for ids in split(micro)]
        yield first_ids, step.next_index
        index = step.next_index


def split(micro: object) -> list[np.ndarray]:
    ids, documents = micro.ids, micro.document_ids  # type: ignore[attr-defined]
    return [ids[documents == number] for number in np.unique(documents)]


def test_ranks_pack_their_own_rows_of_a_batch() -> None:
    whole = maker().step(4)
    parts = [maker().step(4, rank, 3) for rank in range(3)]
    assert whole.weight == pytest.approx(sum(float(row.weights.sum()) for row in whole.micro_batches))
    assert {(part.next_index, part.weight) for part in parts} == {(whole.next_index, whole.weight)}
    for number, (row, part) in enumerate(zip(whole.micro_batches, parts, strict=True)):
        assert len(part.micro_batches) == 1 and np.array_equal(part.micro_batches[0].ids, row.ids), number
    assert sum(part.examples for part in parts) == whole.examples
    assert sum(part.skipped for part in parts) == whole.skipped


@given(st.lists(st.tuples(st.lists(st.integers(2, 99), min_size=1, max_size=9), st.integers(1, 9)), min_size=1))
def test_a_row_holds_every_document_once(parts: list[tuple[list[int], int]]) -> None:
    examples = [
        EncodedExample((*prompt, *range(100, 100 + answer)), len(prompt), (0.5,) * answer) for prompt, answer in parts
    ]
    row = pack(examples, 0.25)
    assert row.tokens == sum(len(example.ids) - 1 for example in examples)
    for number, example in enumerate(examples):
        here = row.document_ids == number
        assert tuple(row.ids[here]) == example.ids[:-1]
        assert tuple(row.labels[here]) == example.ids[1:]
        assert list(row.positions[here]) == list(range(len(example.ids) - 1))
        answers = row.labels[here] >= 100
        assert np.array_equal(row.answers[here], answers)
        assert np.array_equal(row.weights[here], np.where(answers, 0.5, 0.25).astype(np.float32))


def test_steps_follow_one_another_without_loss() -> None:
    taken = [index for first_ids, _ in steps(0, 20) for index in first_ids]
    usable = [index for index in range(taken[-1] + 1) if index % 7 != 3 and index % 11 != 5]
    assert taken == usable


def test_every_micro_batch_keeps_its_limit_and_skips_are_counted() -> None:
    step = maker().step(0)
    assert all(0 < micro.tokens <= 40 for micro in step.micro_batches)
    assert step.skipped == step.next_index - step.examples > 0


def test_the_worker_makes_the_same_batches_from_any_index() -> None:
    wanted = list(steps(0, 6))
    start = wanted[2][1]
    with BatchStream(maker(), start, prefetch=2) as stream:
        found = [step.next_index for step, _ in zip(stream, range(3), strict=False)]
    assert found == [next_index for _, next_index in wanted[3:]]


def test_examples_that_never_fit_end_in_an_error() -> None:
    with (
        pytest.raises(DataError, match="longer than 4 tokens"),
        BatchStream(replace(maker(), max_tokens=4), 0, prefetch=1) as stream,
    ):
        next(iter(stream))


def test_approved_pairs_are_read_and_mixed(tmp_path: Path) -> None:
    path = tmp_path / "approved.jsonl"
    lines = [{"party": "A", "text": "네"}]
    path.write_text(json.dumps({"lines": lines, "summary": asdict(SUMMARY)}, ensure_ascii=False) + "\n")
    approved = read_approved(path)
    assert approved == [SummaryExample((Line("A", "네"),), replace(SUMMARY, one_line=Item("네", (1,))))]
    mixed = MixedExamples(Numbered(), approved, 0.5, seed=1)
    shares = [mixed.example(index).lines[0].text == "네" for index in range(400)]
    assert 150 < sum(shares) < 250
    assert [mixed.example(index) for index in range(20)] == [mixed.example(index) for index in range(20)]


@pytest.mark.parametrize("row", ["no json", "{}", '{"lines": [], "summary": {"title": "x"}}'])
def test_a_bad_approved_row_is_named(tmp_path: Path, row: str) -> None:
    path = tmp_path / "approved.jsonl"
    path.write_text(row + "\n")
    with pytest.raises(DataError, match="line 1"):
        read_approved(path)


def test_simulated_examples_repeat_by_index_and_differ_by_seed() -> None:
    first, again, other = (SimulatedExamples("train", seed, (0.0, 0.2), 0.5) for seed in (1, 1, 2))
    assert [first.example(i) for i in range(6)] == [again.example(i) for i in range(6)]
    assert first.example(0) != other.example(0)
