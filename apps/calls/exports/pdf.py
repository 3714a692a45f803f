"""A call as PDF: a page of our own as HTML, set by a child process (`typeset`), one at a time.

So the web process stays small, however long the call, and a layout that takes too long ends by itself.
"""

import os
import signal
import subprocess
import sys
import threading

from django.conf import settings
from django.template.loader import render_to_string

from apps.calls.exports import typeset
from apps.calls.exports.document import document_of
from apps.calls.exports.material import Material
from apps.core.errors import YoyakError

_PACKAGES = {
    typeset.NO_PANGO: "libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0",
    typeset.NO_FONT: "fonts-noto-cjk",
    # Where there is no font at all, Pango crashes.
    -signal.SIGSEGV: "fonts-noto-cjk",
}
_INHERITED = ("PATH", "HOME", "LANG", "FONTCONFIG_FILE", "FONTCONFIG_PATH", "XDG_CACHE_HOME", "LD_LIBRARY_PATH")
_TIMEOUT_S = 300
_one_at_a_time = threading.Lock()


def pdf(material: Material) -> bytes:
    """Return the call as PDF. Raises YoyakError as `set_pages` does."""
    return set_pages(render_to_string("calls/document.html", {"document": document_of(material)}))


def set_pages(html: str) -> bytes:
    """Return `html` as PDF.

    Raises:
        YoyakError: the system lacks Pango or a Korean font, with the names of the packages; or the text is too long.
    """
    environment = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    command = [sys.executable, "-m", typeset.__name__]
    try:
        with _one_at_a_time:
            child = subprocess.run(
                command,
                input=html.encode("utf-8", "replace"),
                capture_output=True,
                cwd=settings.BASE_DIR,
                env=environment,
                timeout=_TIMEOUT_S,
                check=False,
            )
    except subprocess.TimeoutExpired as error:
        raise YoyakError("pdf_failed") from error
    if child.returncode in _PACKAGES:
        raise YoyakError("pdf_missing", packages=_PACKAGES[child.returncode])
    if child.returncode:
        raise YoyakError("pdf_failed")
    return child.stdout
