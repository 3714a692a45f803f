"""Retraining over HTTP: from an approved summary to a run, its loss, and the model in use."""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from sqlalchemy import Engine, event

from apps.accounts.models import AccessLog
from apps.core.errors import YoyakError
from apps.summaries.models import Summary
from apps.summaries.services import approve_summary
from apps.training.models import RetrainRequest
from apps.training.services import PRODUCTION, run_folder, use_checkpoint
from model_core.registry.store import Registry, open_registry
from tests.apps.api.asking import Program
from tests.calls import LINES, finished_call
from tests.people import TwoHouses


@pytest.fixture
def registry() -> Iterator[Registry]:
    registry = open_registry(settings.ENV.registry_url)
    yield registry
    registry.clear_alias(PRODUCTION)


@pytest.fixture
def admin(houses: TwoHouses, client: Client) -> Client:
    client.force_login(houses.ours.admin)
    return client


def _started(admin: Client, houses: TwoHouses) -> RetrainRequest:
    finished_call(houses.ours)
    approve_summary(summary=Summary.objects.get(), actor=houses.ours.reviewer)
    answer = admin.post("/training/start/")
    request = RetrainRequest.objects.get()
    assert (answer.status_code, answer["Location"]) == (303, f"/training/{request.pk}/")
    return request


def _checkpoint(registry: Registry, request: RetrainRequest) -> str:
    registry.finish_run(request.run_id, "done")
    version = f"summarizer-test+{request.run_id.hex[:8]}"
    registry.add_checkpoint(
        path="/nowhere", sha256=uuid.uuid4().hex * 2, version=version, format_version=1, step=40, run_id=request.run_id
    )
    return version


@contextmanager
def _registry_reads() -> Iterator[list[str]]:
    """Collect the statements that any registry is asked."""
    asked: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    yield asked
    event.remove(Engine, "before_cursor_execute", note)


def test_a_page_of_runs_reads_the_registry_once(admin: Client, houses: TwoHouses, registry: Registry) -> None:
    _started(admin, houses)
    program, counts = Program(houses.ours.admin), []
    for _ in range(2):
        with _registry_reads() as asked:
            shown = admin.get("/training/").content.decode()
            listed = program.read("/training/runs")["items"]
        counts.append(len(asked))
        for number in range(3):
            house, run = houses.ours.organization, registry.create_run("demo", {})
            RetrainRequest.objects.create(organization=house, run_id=run.id, recipe="demo", approved_pairs=1)
            for step, loss in ((10, 3.0 + number), (20, 1.0 + number)):
                registry.log_metrics(run.id, step, {"summary_loss": loss})
    assert counts[0] == counts[1] > 0
    assert [item["last_loss"] for item in listed] == [3.0, 2.0, 1.0, None]
    assert all(loss in shown for loss in ("3.000", "2.000", "1.000"))


def test_without_an_approved_summary_nothing_starts(admin: Client, registry: Registry) -> None:
    assert "아직 승인된 요약이 없습니다" in admin.post("/training/start/", follow=True).content.decode()
    assert not RetrainRequest.objects.exists()


def test_a_run_is_asked_for_with_the_approved_pairs(admin: Client, houses: TwoHouses, registry: Registry) -> None:
    foreign = finished_call(houses.theirs)
    approve_summary(summary=Summary.objects.get(call=foreign), actor=houses.theirs.admin)
    mine = finished_call(houses.ours)
    approve_summary(summary=Summary.objects.get(call=mine), actor=houses.ours.reviewer)
    admin.post("/training/start/")
    request = RetrainRequest.objects.get()
    assert (request.requested_by, request.approved_pairs) == (houses.ours.admin, 1)
    (pair,) = (run_folder(request.run_id) / "approved.jsonl").read_text().splitlines()
    assert [line["text"] for line in json.loads(pair)["lines"]] == [text for _, text in LINES]
    assert registry.get_run(request.run_id).state == "queued"


def test_the_page_shows_the_loss_as_it_falls(admin: Client, houses: TwoHouses, registry: Registry) -> None:
    request = _started(admin, houses)
    address = f"/training/{request.pk}/progress/"
    assert "곧 첫 값이 나옵니다" in admin.get(address).content.decode()
    registry.start_run(request.run_id, pid=1)
    for step, loss in ((10, 2.5), (20, 1.25), (30, 0.75)):
        registry.log_metrics(request.run_id, step, {"summary_loss": loss})
    text = admin.get(address).content.decode()
    assert "<polyline" in text and "0.750" in text and "30스텝" in text
    registry.finish_run(request.run_id, "failed", "MemoryError")
    answer = admin.get(address)
    assert answer.status_code == 286 and "MemoryError" in answer.content.decode()


def test_an_operator_chooses_the_model_of_all(admin: Client, houses: TwoHouses, registry: Registry) -> None:
    request = _started(admin, houses)
    version = _checkpoint(registry, request)
    made = registry.run_checkpoint(request.run_id)
    assert made is not None
    assert "운영자가 이 모델로" in admin.get(f"/training/{request.pk}/").content.decode()
    assert admin.post("/installation/model/", {"checkpoint": made.id}).status_code == 404
    with pytest.raises(YoyakError):
        use_checkpoint(actor=houses.ours.admin, checkpoint_id=made.id)
    assert registry.resolve_alias(PRODUCTION) is None, "one organization does not decide for the others"
    operator = Client()
    operator.force_login(houses.ours.operator)
    missing = operator.post("/installation/model/", {"checkpoint": str(uuid.uuid4())}, follow=True)
    assert "그런 체크포인트가 없습니다" in missing.content.decode()
    assert version in operator.post("/installation/model/", {"checkpoint": made.id}, follow=True).content.decode()
    assert registry.alias_history(PRODUCTION)[0].by == houses.ours.operator.username
    told = AccessLog.objects.filter(action="use_checkpoint", object_id=made.id).values_list("organization", flat=True)
    assert set(told) == {houses.ours.organization.pk, houses.theirs.organization.pk}
    assert version in admin.get("/training/").content.decode()
    assert "기본 모델로 돌아갔습니다" in operator.post("/installation/model/", follow=True).content.decode()
    assert registry.resolve_alias(PRODUCTION) is None
    program = Program(houses.ours.operator)
    used = program.ask("PUT", "/installation/model", {"checkpoint": str(made.id)})
    assert json.loads(used.content)["production"]["version"] == version
    assert program.ask("PUT", "/installation/model", {"checkpoint": None}).status_code == 200


def test_the_admin_action_starts_a_run_for_each_organization(
    houses: TwoHouses, client: Client, registry: Registry
) -> None:
    finished_call(houses.ours)
    approve_summary(summary=Summary.objects.get(), actor=houses.ours.admin)
    houses.ours.admin.is_staff = houses.ours.admin.is_superuser = True
    houses.ours.admin.save()
    client.force_login(houses.ours.admin)
    chosen = [str(house.organization.pk) for house in (houses.ours, houses.theirs)]
    answer = client.post(
        "/admin/accounts/organization/", {"action": "retrain", "_selected_action": chosen}, follow=True
    )
    text = answer.content.decode()
    assert "가람통신: 학습을 시작했습니다." in text
    assert "다온보험: 관리자만 할 수 있는 일입니다." in text, (
        "staff of the installation is no administrator of a customer"
    )
    assert RetrainRequest.objects.get().organization == houses.ours.organization
