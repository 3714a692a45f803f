"""Refined documents into token shards: one of ours for each shard of the refinery, written whole or not at all.

Killed at any moment, the same call goes on behind the last complete shard. It knows the tokenizer as ids alone.
"""

import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from model_core.data.refinery.shards import (
    OutputError,
    read_manifest,
    sha256_of,
    unpack_rows,
    write_atomically,
    write_json,
)
from model_core.data.text.shards import MANIFEST
from model_core.data.tokenizer import END_OF_TEXT, FILE_NAME, SummaryTokenizer, load_tokenizer
from model_core.errors import DataError

Shard = dict[str, Any]
_UINT16_IDS = 2**16


def encode_shards(refined: Path, tokenizer_folder: Path, out: Path, report: Callable[[str], None]) -> Shard:
    """Write the documents of a refinery's folder as token shards to `out`; return the manifest.

    Raises: DataError when a shard is missing or altered, or `out` was made of other ones; OutputError when it cannot
    be written.
    """
    sources = _sources(refined)
    tokenizer, digest = load_tokenizer(tokenizer_folder), sha256_of(tokenizer_folder / FILE_NAME)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{out} cannot be written: {error.strerror}") from error
    shards = []
    for number, source in enumerate(sources):
        shards.append(_encode(source, tokenizer, digest, out / f"tokens-{number:05d}.bin"))
        report(f"{source.name}: {shards[-1]['documents']} documents, {shards[-1]['tokens']} tokens")
    manifest = {
        "files": {name: size for shard in shards for name, size in shard["files"].items()},
        "sha256": {name: digest for shard in shards for name, digest in shard["sha256"].items()},
        "documents": sum(shard["documents"] for shard in shards),
        "tokens": sum(shard["tokens"] for shard in shards),
        "dtype": _dtype(tokenizer),
        "end_of_text": tokenizer.token_id(END_OF_TEXT),
        "tokenizer_sha256": digest,
    }
    write_json(out / MANIFEST, manifest)
    return manifest


def _sources(refined: Path) -> list[Path]:
    """Return the shards of a finished run of the refinery."""
    manifest = read_manifest(refined / "manifest.json")
    if manifest is None:
        raise DataError(
            f"{refined} holds no finished run of the refinery: manifest.json is missing, or files of it are"
        )
    return [refined / name for name in sorted(manifest["files"])]


def _encode(source: Path, tokenizer: SummaryTokenizer, tokenizer_sha256: str, target: Path) -> Shard:
    source_sha256 = sha256_of(source)
    listed = read_manifest(source.with_name(source.name.removesuffix(".jsonl.gz") + ".json"))
    if listed is None or listed["sha256"][source.name] != source_sha256:
        raise DataError(f"{source} was altered: its SHA-256 is not the one in its manifest")
    origin = {"source_sha256": source_sha256, "tokenizer_sha256": tokenizer_sha256}
    done = read_manifest(target.with_suffix(".json"))
    if done is not None:
        if done["origin"] != origin:
            raise DataError(f"{target} was made of another shard or tokenizer; choose another folder or empty it")
        return done
    documents = list(_documents(source, tokenizer))
    ids = np.concatenate([np.zeros(0, _dtype(tokenizer)), *(np.asarray(d, _dtype(tokenizer)) for d in documents)])
    write_atomically(target, ids.tobytes())
    shard = {
        "files": {target.name: target.stat().st_size},
        "sha256": {target.name: sha256_of(target)},
        "documents": len(documents),
        "tokens": len(ids),
        "origin": origin,
    }
    write_json(target.with_suffix(".json"), shard)
    return shard


def _documents(source: Path, tokenizer: SummaryTokenizer) -> Iterator[list[int]]:
    opening = tokenizer.token_id(END_OF_TEXT)
    try:
        for row in unpack_rows(source):
            # A blank in front, as each line of a prompt has it: a word has the same tokens wherever it stands.
            yield [opening, *tokenizer.encode_text(" " + row["text"])]
    except (OSError, EOFError, zlib.error, gzip.BadGzipFile, json.JSONDecodeError, KeyError) as error:
        raise DataError(f"{source} cannot be read: {error}") from error


def _dtype(tokenizer: SummaryTokenizer) -> str:
    return "<u2" if tokenizer.vocab_size <= _UINT16_IDS else "<u4"
