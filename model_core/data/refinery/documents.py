"""Documents in: files of lines, tab-separated columns or JSON lines, plain or gzipped, read as a stream of raw records.

A record stays bytes until a worker parses it, so that reading keeps up with many workers. Knows no stage.
"""

import gzip
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

from model_core.errors import DataError

_GZIP_MAGIC: Final = b"\x1f\x8b"
FORMATS: Final = ("txt", "tsv", "jsonl")


@dataclass(frozen=True)
class Document:
    """A text with a name of its own; `people` are names known beforehand, to be scrubbed."""

    id: str
    text: str
    people: tuple[str, ...] = ()


@dataclass(frozen=True)
class Record:
    """One line of a file, not yet parsed: the file's name, the line's number from 1, its bytes cut at the limit."""

    source: str
    line: int
    raw: bytes
    oversized: bool


def file_format(path: Path) -> str:
    """Return the format that a file's name tells: txt, tsv or jsonl.

    Raises: DataError for any other ending.
    """
    ending = path.name.removesuffix(".gz").rpartition(".")[2]
    if ending not in FORMATS:
        raise DataError(f"{path.name} ends in .{ending}; known are .txt, .tsv and .jsonl, plain or .gz")
    return ending


def read_records(path: Path, max_bytes: int) -> Iterator[Record]:
    """Yield the lines of a file that are not empty; a line over `max_bytes` is cut and marked.

    Raises: DataError when the file cannot be read or its gzip stream is damaged.
    """
    try:
        with _opened(path) as stream:
            number = 0
            while raw := stream.readline(max_bytes + 1):
                number += 1
                oversized = len(raw) > max_bytes
                while oversized and raw[-1:] != b"\n" and (rest := stream.readline(max_bytes)):
                    raw = raw[:max_bytes] + rest[-1:]
                if raw.strip():
                    yield Record(path.name, number, raw[:max_bytes], oversized)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise DataError(f"{path.name} cannot be read: {error}") from error


def _opened(path: Path) -> BinaryIO:
    with path.open("rb") as stream:
        zipped = stream.read(2) == _GZIP_MAGIC
    return cast(BinaryIO, gzip.open(path, "rb")) if zipped else path.open("rb")


def parse(record: Record) -> Document | str:
    """Return the document of a record, or the reason why there is none.

    JSON lines hold `text`, or the `lines` of a call with `party` and `text`; `id` and `people` may be given.
    """
    if record.oversized:
        return "oversized"
    try:
        line = record.raw.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        return "not_utf8"
    name = f"{record.source}:{record.line}"
    ending = file_format(Path(record.source))
    if ending == "jsonl":
        return _parse_json(line, name)
    return Document(name, line.replace("\t", "\n") if ending == "tsv" else line)


def _parse_json(line: str, name: str) -> Document | str:
    try:
        row = json.loads(line)
        text = row["text"] if "text" in row else _call_text(row["lines"])
        people = row.get("people", [])
        if not isinstance(text, str) or not isinstance(people, list) or not all(map(_is_name, people)):
            return "malformed"
        identifier = str(row.get("id", name))
        # Half of a surrogate pair can be spelled in JSON and not be written again.
        identifier.encode()
        return Document(identifier, text, tuple(people))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return "malformed"


def _is_name(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _call_text(lines: list[dict[str, Any]]) -> str:
    return "\n".join(f"{line['party']}: {line['text']}" for line in lines)
