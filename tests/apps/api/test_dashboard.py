"""What people do on the pages, done by a program: corrections, versions, templates, tags, members, log, training."""

import json
from typing import Any

import pytest
from django.conf import settings

from apps.accounts.models import AccessLog, Membership
from apps.jobs.models import Job
from apps.summaries.models import Summary
from apps.summary_templates.models import CallTemplate, TemplatePreview
from model_core.registry.store import open_registry
from tests.apps.api.asking import Program
from tests.calls import LINES, end_job, finished_call, summarize, summary, waiting_call
from tests.models import checkpoint_of
from tests.people import TwoHouses


def _json(answer: Any, status: int = 200) -> Any:
    assert answer.status_code == status, answer.content
    return json.loads(answer.content)


def test_a_line_is_corrected_with_its_history(houses: TwoHouses) -> None:
    call, program = finished_call(houses.ours), Program(houses.ours.agent)
    path = f"/calls/{call.pk}/transcript/2"
    sent = {"before": LINES[1][1], "text": "요금이 오만 오천 원 나왔어요."}
    assert _json(program.ask("PATCH", path, sent))["changed"]
    assert _json(program.ask("PATCH", path, sent), 409)["code"] == "line_changed"
    (change,) = program.read(f"{path}/history")["items"]
    assert (change["before"], change["author"]) == (LINES[1][1], str(houses.ours.agent.pk))
    assert _json(program.ask("PATCH", f"/calls/{call.pk}/transcript/99", sent), 404)
    read = program.read(f"/calls/{call.pk}/transcript")["segments"]
    assert [line["changed"] for line in read] == [False, True, False, False]


def test_parties_are_named_and_swapped(houses: TwoHouses) -> None:
    call, program = finished_call(houses.ours), Program(houses.ours.agent)
    named = _json(program.ask("PUT", f"/calls/{call.pk}/parties", {"names": {"A": "김 상담원", "Z": "없음"}}))
    assert named["names"] == {"A": "김 상담원"}
    assert "김 상담원: 안녕하세요" in program.ask("GET", f"/calls/{call.pk}/export").content.decode()
    swapped = _json(program.ask("POST", f"/calls/{call.pk}/parties/swap"))
    assert [line["party"] for line in swapped["segments"]] == ["B", "A", "B", "A"]


def test_versions_are_read_compared_and_approved(houses: TwoHouses) -> None:
    call, program = finished_call(houses.ours), Program(houses.ours.agent)
    second = summarize(call, summary("요금 과다 청구 재문의"))
    assert [one["version"] for one in program.read(f"/calls/{call.pk}/summaries")["items"]] == [2, 1]
    compared = program.read(f"/summaries/{second.pk}/changes")
    (title,) = [part for part in compared["parts"] if part["changed"]]
    assert (compared["before"], title["heading"]) == (1, "제목")
    assert {"sign": "added", "text": "재문의"} in title["lines"][0]["runs"]
    assert program.read(f"/summaries/{second.pk}/changes?before=2")["before"] == 1
    first = Summary.objects.get(call=call, version=1)
    assert program.read(f"/summaries/{first.pk}/changes") == {"before": None, "parts": []}
    assert _json(program.ask("POST", f"/summaries/{first.pk}/approve"))["state"] == "approved"
    corrected = _json(program.ask("PUT", f"/summaries/{second.pk}", second.content | {"title": "고침", "seen": 1}))
    assert (corrected["version"], corrected["by_person"]) == (3, True)


def test_audio_comes_in_ranges(houses: TwoHouses) -> None:
    call, program = finished_call(houses.ours), Program(houses.ours.agent)
    path = f"/calls/{call.pk}/audio"
    whole = program.ask("GET", path)
    assert (whole.status_code, whole["Content-Type"], len(b"".join(whole))) == (200, "audio/ogg", 64)
    piece = program.ask("GET", path, range="bytes=60-")
    assert (piece.status_code, piece["Content-Range"]) == (206, "bytes 60-63/64")
    beyond = program.ask("GET", path, range="bytes=64-")
    assert _json(beyond, 416)["code"] == "bad_range" and beyond["Content-Range"] == "bytes */64"
    assert AccessLog.objects.filter(action="play_recording").count() == 1, "one listening"
    assert program.ask("GET", f"/calls/{program.add_call()}/audio").status_code == 404


def test_a_failed_call_is_told_its_format_and_goes_on(houses: TwoHouses) -> None:
    call, program = waiting_call(houses.ours), Program(houses.ours.agent)
    end_job(call, Job.State.FAILED, reason="headerless")
    again = _json(program.ask("POST", f"/calls/{call.pk}/process", {"codec": "mulaw", "rate_hz": 8000}), 202)
    assert again["state"] == "queued"
    read = program.read(f"/calls/{call.pk}")
    assert read["recording"]["size_bytes"] == 64 and read["details"] is None
    assert _json(program.ask("POST", f"/calls/{call.pk}/process", {}), 202)["id"] == again["id"]


def test_templates_from_the_first_version_to_retirement(houses: TwoHouses) -> None:
    admin, agent, call = Program(houses.ours.admin), Program(houses.ours.agent), finished_call(houses.ours)
    field = {"label": "방문 주소", "type": "address", "clues": ["주소"]}
    made = _json(admin.ask("POST", "/templates", {"name": "방문", "spec": {"fields": [field]}}), 201)
    path = f"/templates/{made['id']}"
    assert (made["current"]["number"], made["current"]["spec"]["fields"]) == (1, [field])
    assert _json(admin.ask("POST", "/templates", {"name": "방문", "spec": {}}), 409)["code"] == "template_name_taken"
    doubled = _json(admin.ask("PUT", path, {"name": "방문", "spec": {"fields": [field, field]}}), 422)
    assert doubled["code"] == "inconsistent" and "방문 주소" in doubled["detail"]
    for wrong in ({"label": "", "type": "address"}, {"label": "x"}, {"label": "x", "type": "weather"}):
        assert _json(admin.ask("PUT", path, {"name": "방문", "spec": {"fields": [wrong]}}), 422)["code"] == "invalid"
    _json(admin.ask("PUT", path, {"name": "방문", "spec": {"limits": {"topics": 1}}}))
    assert [one["number"] for one in agent.read(f"{path}/versions")["items"]] == [2, 1]
    assert _json(admin.ask("PUT", f"{path}/default", {"on": True}))["is_default"]
    end_job(call)
    _json(agent.ask("POST", f"/calls/{call.pk}/summary/regenerate?template={made['id']}"), 202)
    assert agent.read(f"/calls/{call.pk}")["template"] == made["id"]
    _json(agent.ask("POST", f"/calls/{call.pk}/summary/regenerate?template=default"), 202)
    assert not CallTemplate.objects.exists()
    tried = _json(admin.ask("POST", "/previews", {"call": str(call.pk), "spec": {}}), 202)
    result = {"summary": summary().model_dump(mode="json"), "template": {"fields": []}}
    TemplatePreview.objects.update(state="done", result=result)
    assert admin.read(f"/previews/{tried['id']}")["summary"]["title"] == "요금 과다 청구 문의"
    assert admin.ask("DELETE", path).status_code == 204
    assert agent.read("/templates")["items"] == []


def test_tags_and_saved_searches(houses: TwoHouses) -> None:
    call, program = finished_call(houses.ours), Program(houses.ours.agent)
    waiting_call(houses.ours, title="다른 통화")
    assert _json(program.ask("POST", "/tags", {"name": "급함", "calls": [str(call.pk)]})) == {"calls": 1}
    assert program.read("/calls?tag=급함")["items"][0]["tags"] == ["급함"]
    asked = {"name": "급한 것", "shared": True, "filter": {"tag": "급함", "since": "2020-01-01", "open_actions": True}}
    made = _json(program.ask("POST", "/searches", asked), 201)
    assert "open_actions=true" in made["query"]
    (listed,) = Program(houses.ours.reviewer).read("/searches")["items"]
    assert (listed["count"], listed["own"]) == (1, False)
    assert [one["id"] for one in program.read(f"/searches/{made['id']}/calls")["items"]] == [str(call.pk)]
    assert _json(program.ask("POST", "/searches", asked), 409)["code"] == "search_name_taken"
    assert _json(program.ask("POST", "/searches", {"name": "x", "filter": {}}), 422)["code"] == "empty_search"
    assert _json(program.ask("POST", "/tags/remove", {"name": "급함", "filter": {"tag": "급함"}})) == {"calls": 1}
    assert program.read("/tags")["items"] == []
    assert program.ask("DELETE", f"/searches/{made['id']}").status_code == 204


def test_members_teams_and_invitations(houses: TwoHouses) -> None:
    admin, gone = Program(houses.ours.admin), Program(houses.ours.colleague)
    team = _json(admin.ask("POST", "/teams", {"name": "야간"}), 201)["id"]
    member = Membership.objects.get(user=houses.ours.colleague)
    path = f"/members/{member.pk}"
    changed = _json(admin.ask("PATCH", path, {"team": team}))
    assert (changed["team"], changed["role"]) == (team, "agent")
    assert _json(admin.ask("DELETE", f"/teams/{team}"), 409)["code"] == "team_in_use"
    assert _json(admin.ask("PATCH", path, {"role": "reviewer", "team": None}))["team"] is None
    assert admin.ask("DELETE", f"/teams/{team}").status_code == 204
    assert gone.ask("GET", "/me").status_code == 200
    assert _json(admin.ask("POST", f"{path}/disable"))["disabled_at"]
    assert gone.ask("GET", "/me").status_code == 401, "the token ends with the membership"
    assert _json(admin.ask("POST", f"{path}/enable"))["disabled_at"] is None
    own = Membership.objects.get(user=houses.ours.admin).pk
    assert _json(admin.ask("PATCH", f"/members/{own}", {"role": "agent"}), 409)["code"] == "last_admin"
    link = _json(admin.ask("POST", "/invitations", {"note": "새 상담원", "role": "agent"}), 201)["link"]
    assert admin.client.get(link).status_code == 200
    (waiting,) = admin.read("/invitations")["items"]
    assert admin.ask("DELETE", f"/invitations/{waiting['id']}").status_code == 204
    assert admin.client.get(link).status_code == 410
    assert _json(admin.ask("PATCH", "/organization", {"require_totp": True}))["require_totp"]
    assert {one["username"] for one in admin.read("/members")["items"]} >= {houses.ours.agent.username}


def test_the_log_is_read_by_auditors_page_by_page(houses: TwoHouses) -> None:
    calls = [finished_call(houses.ours, title=str(n)) for n in range(3)]
    agent, auditor = Program(houses.ours.agent), Program(houses.ours.auditor)
    for call in calls:
        agent.read(f"/calls/{call.pk}")
    AccessLog.objects.filter(action="read_call").update(at=AccessLog.objects.earliest("at").at)
    seen, cursor = [], ""
    while True:
        page = auditor.read(f"/access-log?action=read_call&limit=2&cursor={cursor}")
        seen += [line["object_id"] for line in page["items"]]
        if not (cursor := page["next_cursor"]):
            break
    assert sorted(seen) == sorted(str(call.pk) for call in calls)
    assert page["items"][0]["username"] == houses.ours.agent.username
    table = b"".join(auditor.ask("GET", "/access-log/export?action=read_call")).decode()
    assert table.count("read_call") == 3
    assert AccessLog.objects.filter(action="export_access_log").count() == 1
    assert auditor.ask("GET", f"/calls/{calls[0].pk}").status_code == 404, "the log, not the calls"


def test_training_from_the_approval_to_the_model_in_use(houses: TwoHouses) -> None:
    admin, registry = Program(houses.ours.admin), open_registry(settings.ENV.registry_url)
    try:
        assert _json(admin.ask("POST", "/training/runs"), 422)["code"] == "nothing_approved"
        call = finished_call(houses.ours)
        _json(admin.ask("POST", f"/calls/{call.pk}/summary/approve"))
        assert admin.read("/training") == {"approved": 1, "production": None}
        started = _json(admin.ask("POST", "/training/runs"), 201)
        assert (started["state"], started["approved_pairs"]) == ("queued", 1)
        made = checkpoint_of(houses.ours)
        run = next(one for one in admin.read("/training/runs")["items"] if one["checkpoint"])
        registry.log_metrics(made.run_id, 10, {"summary_loss": 2.5})
        assert admin.read(f"/training/runs/{run['id']}")["losses"] == [[10, 2.5]]
        operator = Program(houses.ours.operator)
        assert admin.ask("PUT", "/installation/model", {"checkpoint": str(made.id)}).status_code == 404
        assert _json(operator.ask("PUT", "/installation/model", {"checkpoint": str(made.id)}))["checkpoints"]
        assert admin.read(f"/training/runs/{run['id']}")["in_production"]
        assert admin.read("/training")["production"]["version"] == made.version
        assert admin.read("/models")["items"][1] == {"key": str(made.id), "version": made.version, "in_use": True}
        assert _json(operator.ask("PUT", "/installation/model", {"checkpoint": None}))["production"] is None
    finally:
        registry.clear_alias("production")


def test_a_batch_by_filter_with_template_model_and_estimate(houses: TwoHouses) -> None:
    program, made = Program(houses.ours.agent), checkpoint_of(houses.ours)
    calls = [finished_call(houses.ours, title=f"환불 {n}") for n in range(2)]
    wanted = {"filter": {"q": "환불", "since": "2020-01-01T00:00:00+09:00", "created_by": str(houses.ours.agent.pk)}}
    estimate = _json(program.ask("POST", "/batches/estimate", wanted))
    assert (estimate["calls"], estimate["based_on"], estimate["by_model"]) == (2, 0, False)
    batch = _json(program.ask("POST", "/batches", wanted | {"name": "b", "model": str(made.id)}), 201)
    jobs = program.read(f"/batches/{batch['id']}/jobs")["items"]
    assert ({job["call"] for job in jobs}, batch["model"]) == ({str(call.pk) for call in calls}, str(made.id))
    report = b"".join(program.ask("GET", f"/batches/{batch['id']}/report")).decode()
    assert report.count("환불") == 2
    assert program.ask("POST", "/batches", {"name": "b", "filter": {"q": "없는 말"}}).status_code == 422
    assert program.ask("POST", "/batches", wanted | {"name": "b", "model": "nothing"}).status_code == 404
    foreign = checkpoint_of(houses.theirs)
    assert program.ask("POST", "/batches", wanted | {"name": "b", "model": str(foreign.id)}).status_code == 404


def test_what_counts_is_told_by_role(houses: TwoHouses) -> None:
    finished_call(houses.ours)
    assert Program(houses.ours.agent).read("/overview")["calls"] == 1
    assert Program(houses.ours.colleague).read("/overview?days=7")["calls"] == 0
    ledger = Program(houses.ours.admin).read("/ledger")
    assert (ledger["calls"], ledger["total"]["own_krw"]) == (0, 0)
    assert b"own_krw" in Program(houses.ours.admin).ask("GET", "/ledger/export").content
    operator = houses.ours.operator
    Membership.objects.create(user=operator, organization=houses.ours.organization, role="agent")
    assert {queue["name"] for queue in Program(operator).read("/installation")["queues"]} == {"io", "asr", "llm"}
    me = Program(houses.ours.auditor).read("/me")
    assert (me["places"][0]["role"], me["places"][0]["rights"]) == ("auditor", ["read_access_log"])


@pytest.mark.parametrize("number", ["0", "-1", "x", "99999999999999", "1.5"])
def test_a_number_that_is_none_is_not_found(houses: TwoHouses, number: str) -> None:
    call, program = finished_call(houses.ours), Program(houses.ours.admin)
    assert program.ask("GET", f"/calls/{call.pk}/transcript/{number}/history").status_code == 404
    assert program.ask("POST", f"/members/{number}/disable").status_code == 404
