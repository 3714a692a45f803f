"""Get axe-core, which looks for pages that people with disabilities cannot use, and ask it about a page.

It comes from the npm registry at test time and is kept in the cache folder of the person; it is no part of the product.
"""

import os
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

VERSION = "4.14.1"
GRAVE = ("serious", "critical")
# This rule compares whole words, and a Korean particle makes another word of the visible one ("0:03", "0:03부터 듣기").
_OPTIONS = "{resultTypes: ['violations'], rules: {'label-content-name-mismatch': {enabled: false}}}"


def axe_source() -> str:
    """Return the text of axe-core; skip the test where it cannot be had."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "yoyak-tests"
    archive = cache / f"axe-core-{VERSION}.tgz"
    if not archive.exists():
        npm = shutil.which("npm")
        if npm is None:
            pytest.skip("no npm to get axe-core with: apt-get install npm")
        cache.mkdir(parents=True, exist_ok=True)
        command = [npm, "pack", f"axe-core@{VERSION}", "--silent"]
        answer = subprocess.run(command, cwd=cache, capture_output=True, text=True, timeout=120)
        if answer.returncode or not archive.exists():
            pytest.skip(f"npm cannot get axe-core {VERSION}: {answer.stderr.strip()[-200:]}")
    with tarfile.open(archive) as packed:
        file = packed.extractfile("package/axe.min.js")
        assert file is not None
        return file.read().decode()


def grave_issues(page: Page, source: str) -> list[str]:
    """Return the serious and critical issues of the page as it stands, with where they are."""
    page.evaluate(source)
    result: dict[str, Any] = page.evaluate(f"axe.run(document, {_OPTIONS})")
    return [
        f"{issue['id']}: {node['target']} {node['failureSummary'][:300]}"
        for issue in result["violations"]
        if issue["impact"] in GRAVE
        for node in issue["nodes"]
    ]
