"""The same searches on PostgreSQL."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.services import fresh_postgres
from tests.stack.running import ROOT

pytestmark = [pytest.mark.services, pytest.mark.slow]


def test_the_search_tests_pass_on_postgresql(tmp_path: Path) -> None:
    with fresh_postgres() as database:
        environment = os.environ | {"DATABASE_URL": database, "YOYAK_DATA_DIR": str(tmp_path)}
        command = [sys.executable, "-m", "pytest", "tests/apps/search/test_search.py", "-q", "--create-db"]
        answer = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=280)
    assert answer.returncode == 0, answer.stdout[-3000:]
