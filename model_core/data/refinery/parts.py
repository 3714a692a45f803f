"""The work of one process on one part: its records refined and written with their fingerprints, then its manifest.

A part depends on its records and the settings alone, so it is the same whoever makes it and however often.
"""

import hashlib
import multiprocessing
import os
import threading
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save

from model_core.data.refinery.decontaminate import EvaluationIndex
from model_core.data.refinery.documents import Record, parse
from model_core.data.refinery.duplicates import Fingerprint, Fingerprinter
from model_core.data.refinery.settings import RefinerySettings
from model_core.data.refinery.shards import Row, pack_rows, read_manifest, sha256_of, write_atomically, write_json
from model_core.data.refinery.stages import REASONS, refine

_EXAMPLES = 3


@dataclass(frozen=True)
class Workshop:
    """What every worker is given once."""

    folder: Path
    settings: RefinerySettings
    evaluation: EvaluationIndex | None


_workshop: Workshop | None = None


def enter(workshop: Workshop) -> None:
    """Take what a worker process needs, and end with the parent when that is killed."""
    global _workshop
    _workshop = workshop
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def part_manifest(folder: Path, index: int) -> Row | None:
    """Return the manifest of a part that is complete and as it was written, else None: it is then made anew."""
    manifest = read_manifest(folder / f"part-{index:05d}.json")
    if manifest is None or any(sha256_of(folder / name) != manifest["sha256"].get(name) for name in manifest["files"]):
        return None
    return manifest


def make_part(index: int, records: list[Record]) -> Row:
    """Refine a part's records in a worker process and return its manifest."""
    if _workshop is None:
        raise RuntimeError("make_part runs in a process that has entered a workshop")
    return refine_part(_workshop, index, records)


def refine_part(workshop: Workshop, index: int, records: list[Record]) -> Row:
    """Refine a part's records, write what is kept and then the manifest, and return the manifest."""
    fingerprinter = Fingerprinter(workshop.settings.duplicates)
    rows: list[Row] = []
    fingerprints: list[Fingerprint] = []
    ledger = _Ledger()
    for record in records:
        document = parse(record)
        if isinstance(document, str):
            ledger.drop(document, record)
            continue
        refined = refine(document, workshop.settings, workshop.evaluation)
        ledger.changes.update(refined.changes)
        ledger.languages[refined.language] += 1
        if refined.text is None:
            ledger.drop(str(refined.reason), record)
            continue
        rows.append({"id": document.id, "text": refined.text})
        fingerprints.append(fingerprinter.fingerprint(refined.text))
    return _write(workshop.folder, index, rows, fingerprints, ledger.as_dict(len(records)))


class _Ledger:
    """The counts of a part, with examples of what was dropped: where it stands and its hash, never its words."""

    def __init__(self) -> None:
        self.changes: Counter[str] = Counter()
        self.languages: Counter[str] = Counter()
        self._dropped: Counter[str] = Counter()
        self._examples: dict[str, list[str]] = {}

    def drop(self, reason: str, record: Record) -> None:
        self._dropped[reason] += 1
        examples = self._examples.setdefault(reason, [])
        if len(examples) < _EXAMPLES:
            examples.append(hashed_example(f"{record.source}:{record.line}", record.raw))

    def as_dict(self, documents: int) -> dict[str, Any]:
        return {
            "documents": documents,
            "dropped": {reason: self._dropped[reason] for reason in REASONS if self._dropped[reason]},
            "changes": dict(sorted(self.changes.items())),
            "languages": dict(sorted(self.languages.items())),
            "examples": self._examples,
        }


def hashed_example(place: str, content: bytes) -> str:
    """Return where something stands with a hash of it, to be found again by who holds the source."""
    return f"{place} blake2b:{hashlib.blake2b(content, digest_size=8).hexdigest()}"


def _write(folder: Path, index: int, rows: list[Row], fingerprints: list[Fingerprint], counts: Row) -> Row:
    texts, marks = folder / f"part-{index:05d}.jsonl.gz", folder / f"part-{index:05d}.safetensors"
    write_atomically(texts, pack_rows(rows))
    digests = np.frombuffer(b"".join(mark.digest for mark in fingerprints), dtype=np.uint8).reshape(-1, 16)
    signatures = np.array([mark.signature for mark in fingerprints] or np.empty((0, 0)), dtype=np.uint32)
    write_atomically(marks, save({"digests": digests, "signatures": signatures}))
    manifest: Row = {
        "part": index,
        "kept": len(rows),
        "files": {path.name: path.stat().st_size for path in (texts, marks)},
        "sha256": {path.name: sha256_of(path) for path in (texts, marks)},
        **counts,
    }
    write_json(folder / f"part-{index:05d}.json", manifest)
    return manifest


def load_fingerprints(folder: Path, index: int) -> list[Fingerprint]:
    """Return the fingerprints of a part, in the order of its rows."""
    tensors = load_file(folder / f"part-{index:05d}.safetensors")
    pairs = zip(tensors["digests"], tensors["signatures"], strict=True)
    return [Fingerprint(digest.tobytes(), signature) for digest, signature in pairs]
