"""The batches of a run, a step at a time, made ahead of the trainer in a process of their own.

A step's batch depends on the source and on the index of its first example alone, so a run that goes on from a saved
index sees the same data. It knows no torch.
"""

import multiprocessing
import os
import queue
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from multiprocessing.queues import Queue
from typing import Protocol, Self

from model_core.data.examples import ExampleSource, SummaryExample
from model_core.data.packing import EncodedExample, PackedBatch, pack
from model_core.errors import DataError, ModelCoreError

_PUT_TIMEOUT_S = 2.0
_GET_TIMEOUT_S = 2.0
_MOST_SKIPPED = 1000

Encoder = Callable[[SummaryExample], tuple[list[int], list[int], list[float]]]


@dataclass(frozen=True)
class StepBatch:
    """The micro batches of one optimizer step that a rank computes.

    `next_index` is the index of the first example after the whole step, `weight` the sum of the whole step's loss
    weights. Of these micro batches alone, `examples` counts the examples, `skipped` those left out because they are too
    long or do not fit the format.
    """

    micro_batches: tuple[PackedBatch, ...]
    next_index: int
    examples: int
    skipped: int
    weight: float

    @property
    def tokens(self) -> int:
        """The number of tokens read."""
        return sum(batch.tokens for batch in self.micro_batches)

    @property
    def attended_pairs(self) -> int:
        """The number of pairs of a token and one that it may look at."""
        return sum(batch.attended_pairs for batch in self.micro_batches)


class StepMaker(Protocol):
    """What makes the batches of a run; picklable, for a worker process of its own."""

    def step(self, index: int, rank: int = 0, size: int = 1) -> StepBatch:
        """Return the part of rank `rank` of `size`, every `size`th micro batch, of the batch that begins at `index`.

        The whole batch depends on the index alone.
        """


@dataclass(frozen=True)
class BatchMaker:
    """Make the batch of a step from a source. Picklable when its parts are."""

    source: ExampleSource
    encode: Encoder
    max_tokens: int
    tokens_per_micro_batch: int
    micro_batches: int
    transcript_weight: float

    def step(self, index: int, rank: int = 0, size: int = 1) -> StepBatch:
        """Return this rank's part of the batch whose first example is number `index`.

        Every rank encodes the whole step's examples, for where a row ends depends on the lengths before it.
        """
        start, batches, examples, skipped, weight = index, [], 0, 0, 0.0
        for number in range(self.micro_batches):
            taken, index, left_out = self._take(index)
            weight += sum(example.total_weight(self.transcript_weight) for example in taken)
            if number % size == rank:
                batches.append(pack(taken, self.transcript_weight))
                examples += len(taken)
                skipped += left_out
        if index <= start:
            raise DataError(f"no example after {start} could be used")
        return StepBatch(tuple(batches), index, examples, skipped, weight)

    def _take(self, index: int) -> tuple[list[EncodedExample], int, int]:
        """Return examples that fit one micro batch, the index after them, and how many were left out."""
        taken: list[EncodedExample] = []
        room, skipped = self.tokens_per_micro_batch, 0
        while True:
            example = self.encoded(index)
            if example is None:
                skipped += 1
                if skipped > _MOST_SKIPPED:
                    raise DataError(
                        f"{skipped} examples in a row, up to number {index}, are longer than {self.max_tokens} tokens "
                        "or do not fit the format"
                    )
            elif example.input_tokens > room:
                return taken, index, skipped
            else:
                taken.append(example)
                room -= example.input_tokens
            index += 1

    def encoded(self, index: int) -> EncodedExample | None:
        """Return the example of an index as tokens, or None when it cannot be used."""
        found = self.source.example(index)
        try:
            prompt, target, weights = self.encode(found)
        except DataError:
            return None
        example = EncodedExample((*prompt, *target), len(prompt), tuple(weights))
        return example if example.input_tokens <= min(self.max_tokens, self.tokens_per_micro_batch) else None


class BatchStream:
    """A rank's batches from an index on, made up to `prefetch` steps ahead in a worker process.

    Use as a context manager; the worker ends with it, and also by itself when its parent is gone.
    """

    def __init__(self, maker: StepMaker, index: int, prefetch: int, rank: int = 0, size: int = 1) -> None:
        context = multiprocessing.get_context("spawn")
        self._queue: Queue[StepBatch | str] = context.Queue(maxsize=prefetch)
        make = partial(maker.step, rank=rank, size=size)
        self._process = context.Process(target=_work, args=(make, index, self._queue, os.getpid()), daemon=True)

    def __enter__(self) -> Self:
        self._process.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._process.terminate()
        self._process.join()
        self._queue.close()

    def __iter__(self) -> Iterator[StepBatch]:
        """Yield batches without end.

        Raises: DataError when the worker failed or died.
        """
        while True:
            yield self._next()

    def _next(self) -> StepBatch:
        while True:
            try:
                found = self._queue.get(timeout=_GET_TIMEOUT_S)
            except queue.Empty:
                if not self._process.is_alive():
                    raise DataError(f"the batch worker ended with code {self._process.exitcode}") from None
                continue
            if isinstance(found, str):
                raise DataError(found)
            return found


def _work(make: Callable[[int], StepBatch], index: int, results: "Queue[StepBatch | str]", parent: int) -> None:
    try:
        while True:
            batch = make(index)
            _put(batch, results, parent)
            index = batch.next_index
    except ModelCoreError as error:
        _put(str(error), results, parent)
    except Exception:
        _put(f"the batch worker failed:\n{traceback.format_exc()}", results, parent)


def _put(result: StepBatch | str, results: "Queue[StepBatch | str]", parent: int) -> None:
    while True:
        try:
            results.put(result, timeout=_PUT_TIMEOUT_S)
            return
        except queue.Full:
            if os.getppid() != parent:
                os._exit(1)
