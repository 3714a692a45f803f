"""The loop: a person approves a summary, an administrator retrains, uses the model, and the next summary names it."""

import json
import time
from pathlib import Path

import pytest

from tests.stack.browser import Person, links
from tests.stack.running import SAMPLES, Stack, running_stack, wait_until

pytestmark = [pytest.mark.stack, pytest.mark.slow]
DEMO = "요약 데모"
LIMIT_S = 600


@pytest.mark.timeout(LIMIT_S + 240)
def test_approve_retrain_use(tmp_path: Path) -> None:
    with running_stack(tmp_path / "data", "--no-samples") as stack:
        shortest = min(SAMPLES.glob("*.wav"), key=lambda path: path.stat().st_size)
        first = json.loads(stack.manage("process_call", str(shortest), "--json", "--organization", DEMO))
        assert first["status"] == "done"
        admin = Person(stack.url, "demo", (tmp_path / "data" / "demo-password").read_text())
        approve = links(admin.get(f"/calls/{first['call_id']}/"), r"/summaries/[0-9a-f-]{36}/approve/")
        assert admin.post(approve[0]).status == 200
        started = time.monotonic()
        run = admin.post("/training/start/")
        assert "/training/" in run.url, run.text[:500]
        path = run.url.removeprefix(stack.url)
        wait_until("the run has ended", lambda: _ended(admin, path), LIMIT_S)
        assert time.monotonic() - started < LIMIT_S
        assert stack.manage("shell", "-c", _STATE).split()[-1] == "done"
        ended = admin.get(path)
        assert "<svg" in ended.text, "the loss is drawn"
        checkpoint = links(ended, r'name="checkpoint" value="([0-9a-f-]{36})"')[0]
        assert admin.post("/installation/model/", checkpoint=checkpoint).status == 200
        assert admin.post(f"/calls/{first['call_id']}/regenerate/").status == 200
        version = stack.manage("shell", "-c", _VERSION).split()[-1]
        wait_until("a summary by the new model", lambda: version in _makers(stack), 120)


_STATE = """
from apps.training.models import RetrainRequest
from django.conf import settings
from model_core.registry.store import open_registry
print(open_registry(settings.ENV.registry_url).get_run(RetrainRequest.objects.get().run_id).state)
"""
_VERSION = """
from django.conf import settings
from model_core.registry.store import open_registry
print(open_registry(settings.ENV.registry_url).resolve_alias("production").version)
"""


def _ended(person: Person, path: str) -> bool:
    return person.get(f"{path}progress/").status == 286


def _makers(stack: Stack) -> set[str]:
    rows = stack.rows("SELECT model_version FROM summaries_summary")
    return {row[0] for row in rows}
