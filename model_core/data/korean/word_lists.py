"""Lists of words that are read once from `words/`, one word a line. It knows no use of them."""

from pathlib import Path
from typing import Final

_FOLDER: Final = Path(__file__).with_name("words")


def word_list(name: str) -> frozenset[str]:
    """Return the words of the list called `name`."""
    return frozenset((_FOLDER / f"{name}.txt").read_text(encoding="utf-8").split())
