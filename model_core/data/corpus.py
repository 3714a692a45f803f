"""Text to train the tokenizer on: simulated calls with their summaries, and text files, plain or gzipped.

It yields texts as a prompt holds them, with a blank in front, and knows no tokens.
"""

import gzip
from collections.abc import Iterator
from pathlib import Path

from model_core.data.call import SimulatedCall, Summary, plain
from model_core.data.simulator.expand import CallSimulator
from model_core.errors import DataError

_GZIP_MAGIC = b"\x1f\x8b"


def texts_of(summary: Summary) -> Iterator[str]:
    """Yield the free texts of a summary, value marks included."""
    yield summary.title
    yield summary.one_line.text
    for topic in summary.topics:
        yield topic.title
        yield from (point.text for point in topic.points)
    yield from (action.what for action in summary.actions)
    yield from (decision.text for decision in summary.decisions)


def training_calls(count: int, *, seed: int = 0, written_p: float = 0.3) -> Iterator[SimulatedCall]:
    """Yield calls of the training split, one script each."""
    simulator = CallSimulator("train", seed, written_p=written_p, two_topics_p=0.0)
    return (simulator.call(index) for index in range(count))


def call_texts(count: int, *, seed: int = 0) -> Iterator[str]:
    """Yield the lines and summary texts of `count` simulated calls of the training split."""
    for call in training_calls(count, seed=seed):
        yield from (" " + line.text for line in call.lines)
        yield from (" " + plain(text) for text in texts_of(call.summary))


def file_texts(path: Path, limit: int) -> Iterator[str]:
    """Yield the first `limit` lines of a UTF-8 file, the columns of a tab-separated one each for itself.

    Raises: DataError when the file cannot be read.
    """
    try:
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if raw.startswith(_GZIP_MAGIC) else raw).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} is no readable UTF-8 text: {error}") from error
    for line in text.splitlines()[:limit]:
        yield from (" " + column for column in line.split("\t") if column)
