"""The same product on PostgreSQL with Redis and with RabbitMQ, by settings alone."""

import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import psycopg
import pytest

from tests.services import RABBITMQ, REDIS, fresh_postgres, need
from tests.stack.running import ROOT, SAMPLES, running_stack, wait_until

pytestmark = [pytest.mark.services, pytest.mark.slow]


@pytest.mark.stack
@pytest.mark.parametrize(("name", "url"), [("Redis", REDIS), ("RabbitMQ", RABBITMQ)])
def test_a_call_on_postgresql_with(name: str, url: str, tmp_path: Path) -> None:
    broker = need(name, url)
    with fresh_postgres() as database:
        settings = {"DATABASE_URL": database, "BROKER_URL": broker, "YOYAK_SWEEP_S": "30"}
        with running_stack(tmp_path / "data", "--no-demo", **settings) as stack:
            wait_until("every queue has a worker", lambda: _ready(stack.url), 90)
            shortest = min(SAMPLES.glob("*.wav"), key=lambda path: path.stat().st_size)
            report = json.loads(stack.manage("process_call", str(shortest), "--json"))
            assert report["status"] == "done", report["reason"]
            assert not (tmp_path / "data" / "yoyak.sqlite3").exists()
            with psycopg.connect(database) as connection:
                rows = connection.execute("SELECT count(*) FROM jobs_stageresult").fetchone()
                assert rows == (5,)
                schemas = connection.execute("SELECT 1 FROM pg_namespace WHERE nspname = 'ml'").fetchall()
                assert schemas == [(1,)], "the registry keeps to its own schema"


def _ready(url: str) -> bool:
    try:
        with urlopen(f"{url}/readyz", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@pytest.mark.timeout(1600)
def test_the_apps_tests_pass_on_postgresql(tmp_path: Path) -> None:
    with fresh_postgres() as database:
        environment = os.environ | {"DATABASE_URL": database, "YOYAK_DATA_DIR": str(tmp_path)}
        command = [sys.executable, "-m", "pytest", "tests/apps", "-q", "--create-db", "-m", "not browser"]
        answer = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=1500)
        assert answer.returncode == 0, answer.stdout[-3000:]
