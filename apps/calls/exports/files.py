"""The exports by name: which formats there are, the file of one call, and the ZIP of many."""

import re
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import IO
from urllib.parse import quote

from django.http import Http404

from apps.calls.exports.material import Material, material_of
from apps.calls.exports.pdf import pdf
from apps.calls.exports.tables import csv_lines
from apps.calls.exports.tasks import ics
from apps.calls.exports.texts import as_json, srt, txt, vtt
from apps.calls.exports.word import docx
from apps.calls.models import Call
from apps.core.errors import YoyakError

_IN_MEMORY_BYTES = 8 * 1024 * 1024
_MAX_NAME_CHARS = 60


@dataclass(frozen=True)
class Format:
    """`timed` formats need lines with times."""

    media_type: str
    write: Callable[[Material], str | bytes]
    timed: bool = False

    def content(self, material: Material) -> bytes:
        """Return the file; text is UTF-8."""
        written = self.write(material)
        return written.encode() if isinstance(written, str) else written


FORMATS = {
    "txt": Format("text/plain; charset=utf-8", txt),
    "srt": Format("application/x-subrip; charset=utf-8", srt, timed=True),
    "vtt": Format("text/vtt; charset=utf-8", vtt, timed=True),
    "json": Format("application/json", as_json),
    "ics": Format("text/calendar; charset=utf-8", ics),
    "docx": Format("application/vnd.openxmlformats-officedocument.wordprocessingml.document", docx),
    "pdf": Format("application/pdf", pdf),
}
_IN_ZIP = ("txt", "json", "srt")


def export_of(call: Call, name: str) -> tuple[bytes, Format]:
    """Return the file of one call in the format `name`.

    Raises:
        Http404: there is no such format.
        YoyakError: subtitles of a transcript without times are asked for, or the system cannot set a PDF.
    """
    chosen = FORMATS.get(name)
    if chosen is None:
        raise Http404("no such format")
    (material,) = material_of([call])
    if chosen.timed and not material.timed:
        raise YoyakError("no_times")
    return chosen.content(material), chosen


def zip_of(calls: list[Call]) -> IO[bytes]:
    """Return an open ZIP with a table of all calls and, for each, text, JSON and subtitles. The caller closes it."""
    file = SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES)  # noqa: SIM115
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("calls.csv", "".join(csv_lines(calls)))
        for number, call in enumerate(calls, 1):
            _add(archive, f"{number:04} {safe_name(call.title)}", call)
    file.seek(0)
    return file


def _add(archive: zipfile.ZipFile, stem: str, call: Call) -> None:
    (material,) = material_of([call])
    for name in _IN_ZIP:
        if material.timed or not FORMATS[name].timed:
            archive.writestr(f"{stem}.{name}", FORMATS[name].content(material))


def safe_name(title: str) -> str:
    """Return `title` as a file name for any system: no separators, no control characters, not empty."""
    cleaned = "".join(c if c.isprintable() else " " for c in re.sub(r'[\\/:*?"<>|]', " ", title))
    return " ".join(cleaned.split()).strip(". ")[:_MAX_NAME_CHARS].strip(". ") or "call"


def disposition(stem: str, extension: str) -> str:
    """Return the Content-Disposition of a download whose name may be Korean (RFC 6266)."""
    return f"attachment; filename=\"call.{extension}\"; filename*=UTF-8''{quote(f'{safe_name(stem)}.{extension}')}"


def calls_in_order(calls: Iterable[Call]) -> list[Call]:
    """Return `calls` in the order they happened."""
    return sorted(calls, key=lambda call: (call.happened_at, str(call.pk)))
