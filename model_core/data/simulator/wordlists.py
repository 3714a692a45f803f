"""The word lists beside this module: one entry a line, read once."""

from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent / "lists"


@cache
def word_list(name: str) -> tuple[str, ...]:
    """Return the lines of `lists/<name>.txt` that are not empty."""
    lines = (_FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return tuple(line for line in lines if line)
