"""A run: records dealt out to processes in parts, then one pass over all parts that leaves out what repeats.

Both passes keep what is done: killed at any moment, the same command goes on and ends with the same bytes as a run that
was not killed. Knows the order of the work and its folder; what is done to a document is in `stages`.
"""

import json
import multiprocessing
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import Final

from model_core.data.refinery.card import make_card, write_card
from model_core.data.refinery.decontaminate import EvaluationIndex
from model_core.data.refinery.documents import Document, Record, file_format, parse, read_records
from model_core.data.refinery.duplicates import DuplicateIndex
from model_core.data.refinery.parts import (
    Workshop,
    enter,
    hashed_example,
    load_fingerprints,
    make_part,
    part_manifest,
    refine_part,
)
from model_core.data.refinery.settings import RefinerySettings
from model_core.data.refinery.shards import (
    OutputError,
    Row,
    pack_rows,
    read_manifest,
    sha256_of,
    unpack_rows,
    write_atomically,
    write_json,
)
from model_core.data.refinery.stages import evaluation_index
from model_core.errors import DataError
from model_core.lock import locked

Report = Callable[[str], None]
_FORMAT: Final = 2
_EXAMPLES: Final = 3


class WorkerDied(DataError):
    """A worker process ended on its own (killed, or out of memory); the same run can go on."""

    permanent = False


def run_refinery(
    inputs: Sequence[Path],
    out: Path,
    *,
    settings: RefinerySettings,
    workers: int = 1,
    evaluation: Sequence[Path] = (),
    limit: int | None = None,
    report: Report = lambda line: None,
) -> Row:
    """Refine files into `out/shard-*.jsonl.gz` with a data card, and return the card's figures.

    `limit` takes only the first documents of each input. Goes on where an earlier run with the same inputs and
    settings was stopped.

    Raises:
        DataError: an input is missing, unreadable or of an unknown kind, or `out` holds another run.
        OutputError: `out` cannot be written; not permanent.
        FolderInUseError: another run is writing `out`; not permanent.
        WorkerDied: a worker process was killed; not permanent.
    """
    for name, value in (("workers", workers), ("limit", limit)):
        if value is not None and value < 1:
            raise DataError(f"{name} is {value}; at least 1 is needed")
    order = _order(inputs, evaluation, settings, limit)
    with _locked(out) as work:
        finished = _finished(out, order)
        if finished is not None:
            report("already complete: nothing to do")
            _remove(work)
            return finished
        _begin(work, order)
        index = _evaluation(evaluation, settings)
        records = chain.from_iterable(islice(read_records(path, settings.max_document_bytes), limit) for path in inputs)
        parts = _refine_all(records, Workshop(work, settings, index), workers, report)
        duplicates = _leave_out_duplicates(out, work, parts, settings, report)
        card = make_card(order, parts, duplicates, index)
        write_card(out, card)
        _finish(out, work, order, card)
        return card


def _order(inputs: Sequence[Path], evaluation: Sequence[Path], settings: RefinerySettings, limit: int | None) -> Row:
    """Return what defines a run: the same order gives the same output."""
    names = [path.name for path in inputs]
    if not names:
        raise DataError("no input files were given")
    if len(set(names)) < len(names):
        raise DataError(f"two inputs are both named {max(names, key=names.count)}; their documents would share names")
    for path in [*inputs, *evaluation]:
        file_format(path)
    return {
        "format": _FORMAT,
        "inputs": {path.name: sha256_of(path) for path in inputs},
        "evaluation": {path.name: sha256_of(path) for path in evaluation},
        "limit": limit,
        "settings": settings.as_dict(),
    }


@contextmanager
def _locked(out: Path) -> Iterator[Path]:
    """Hold the output folder for this process and give the folder of the parts."""
    work = out / "work"
    with ExitStack() as held:
        try:
            held.enter_context(locked(out))
            work.mkdir(exist_ok=True)
        except OSError as error:
            raise OutputError(f"{out} cannot be written: {error.strerror}") from error
        yield work


def _finished(out: Path, order: Row) -> Row | None:
    manifest = read_manifest(out / "manifest.json")
    if manifest is None:
        return None
    if manifest["order"] != _plain(order):
        raise DataError(f"{out} holds the output of other inputs or settings; choose another folder or empty it")
    card: Row = manifest["card"]
    return card


def _begin(work: Path, order: Row) -> None:
    """Note what is being made; parts of anything else are refused."""
    started = read_manifest(work / "order.json")
    if started is None:
        if any(work.glob("part-*")):
            raise DataError(f"{work} holds parts without their order; empty it")
        write_json(work / "order.json", {"files": {}, "order": order})
    elif started["order"] != _plain(order):
        raise DataError(f"{work.parent} was begun with other inputs or settings; choose another folder or empty it")
    for leftover in [*work.glob(".*.tmp"), *work.parent.glob(".*.tmp")]:
        leftover.unlink()


def _evaluation(paths: Sequence[Path], settings: RefinerySettings) -> EvaluationIndex | None:
    if not paths:
        return None
    records = (record for path in paths for record in read_records(path, settings.max_document_bytes))
    return evaluation_index(map(_evaluation_document, records), settings)


def _evaluation_document(record: Record) -> Document:
    parsed = parse(record)
    if isinstance(parsed, str):
        raise DataError(f"evaluation text {record.source}:{record.line} is {parsed}; it could not be held out")
    return parsed


def _refine_all(records: Iterator[Record], workshop: Workshop, workers: int, report: Report) -> list[Row]:
    """Make the parts that are missing and return the manifests of all."""
    size = workshop.settings.shard_documents
    batches = enumerate(iter(lambda: list(islice(records, size)), []))
    manifests: list[Row] = []
    if workers == 1:
        for index, batch in batches:
            manifests.append(part_manifest(workshop.folder, index) or refine_part(workshop, index, batch))
            report(_progress(manifests))
        return manifests
    context = multiprocessing.get_context("spawn")
    waiting: deque[Row | Future[Row]] = deque()
    try:
        with ProcessPoolExecutor(workers, mp_context=context, initializer=enter, initargs=(workshop,)) as pool:
            for index, batch in batches:
                waiting.append(part_manifest(workshop.folder, index) or pool.submit(make_part, index, batch))
                # Two parts a worker are enough to keep all busy, and all that is ever read ahead.
                while len(waiting) > 2 * workers:
                    manifests.append(_settled(waiting.popleft()))
                    report(_progress(manifests))
            while waiting:
                manifests.append(_settled(waiting.popleft()))
                report(_progress(manifests))
    except BrokenProcessPool as error:
        raise WorkerDied(f"a worker died after part {len(manifests)}; run the same command again") from error
    return manifests


def _settled(part: Row | Future[Row]) -> Row:
    return part.result() if isinstance(part, Future) else part


def _plain(value: Row) -> Row:
    """Return a manifest's value as it comes back from JSON."""
    plain: Row = json.loads(json.dumps(value))
    return plain


def _progress(manifests: Sequence[Row]) -> str:
    last = manifests[-1]
    return f"part {last['part']}: kept {last['kept']} of {last['documents']}"


def _leave_out_duplicates(
    out: Path, work: Path, parts: Sequence[Row], settings: RefinerySettings, report: Report
) -> Row:
    """Write a shard for each part without what repeats earlier documents, and return the counts.

    The index is made anew from the fingerprints when a run goes on; shards that are complete are not written again.
    """
    index, position = DuplicateIndex(settings.duplicates), 0
    totals: Counter[str] = Counter()
    examples: dict[str, list[str]] = {}
    shards: list[Row] = []
    for number in range(len(parts)):
        dropped: dict[int, str] = {}
        for row, fingerprint in enumerate(load_fingerprints(work, number)):
            duplicate = index.add(position + row, fingerprint)
            if duplicate:
                dropped[row] = duplicate.reason
        position += parts[number]["kept"]
        totals.update(dropped.values())
        shard = read_manifest(out / f"shard-{number:05d}.json") or _write_shard(out, work, number, dropped)
        for reason, places in shard["examples"].items():
            examples[reason] = (examples.get(reason, []) + places)[:_EXAMPLES]
        shards.append(shard)
        report(f"shard {number}: {shard['documents']} documents, {len(dropped)} duplicates left out")
    return {
        "dropped": dict(totals),
        "examples": examples,
        "documents": sum(shard["documents"] for shard in shards),
        "characters": sum(shard["characters"] for shard in shards),
        "files": {name: size for shard in shards for name, size in shard["files"].items()},
    }


def _write_shard(out: Path, work: Path, number: int, dropped: dict[int, str]) -> Row:
    kept: list[Row] = []
    examples: dict[str, list[str]] = {}
    for position, row in enumerate(unpack_rows(work / f"part-{number:05d}.jsonl.gz")):
        reason = dropped.get(position)
        if reason is None:
            kept.append(row)
        elif len(examples.setdefault(reason, [])) < _EXAMPLES:
            examples[reason].append(hashed_example(row["id"], row["text"].encode()))
    path = out / f"shard-{number:05d}.jsonl.gz"
    write_atomically(path, pack_rows(kept))
    manifest: Row = {
        "documents": len(kept),
        "characters": sum(len(row["text"]) for row in kept),
        "files": {path.name: path.stat().st_size},
        "sha256": {path.name: sha256_of(path)},
        "examples": examples,
    }
    write_json(out / f"shard-{number:05d}.json", manifest)
    return manifest


def _finish(out: Path, work: Path, order: Row, card: Row) -> None:
    """Commit the run: the manifest last, then the parts go."""
    write_json(out / "manifest.json", {"files": card["files"], "order": order, "card": card})
    _remove(work)


def _remove(work: Path) -> None:
    for path in work.iterdir():
        path.unlink()
    work.rmdir()
