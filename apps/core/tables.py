"""Lines of CSV as spreadsheets take them. Knows cells, nothing of what is in them."""

import csv
import io
from collections.abc import Iterable

# A spreadsheet takes a cell that begins so for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_line(cells: Iterable[str]) -> str:
    """Return one line; a cell that looks like a formula gets an apostrophe, so that none is run."""
    buffer = io.StringIO()
    csv.writer(buffer).writerow(f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in cells)
    return buffer.getvalue()
