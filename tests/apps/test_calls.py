"""The list, the page of a call in every state, its live parts, the player, and what can be done from there."""

from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks

from apps.accounts.models import AccessLog
from apps.calls.models import Call, Recording
from apps.jobs.models import Job
from apps.jobs.reasons import REASONS, describe
from apps.transcripts.services import import_turns
from tests.calls import end_job, finished_call, summarize, summary, waiting_call
from tests.people import TwoHouses
from workers.engines.extractive import nobody_spoke


@pytest.fixture
def agent(houses: TwoHouses, client: Client) -> Client:
    client.force_login(houses.ours.agent)
    return client


def _text(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_the_list_finds_by_title_summary_and_speech(agent: Client, houses: TwoHouses) -> None:
    finished_call(houses.ours, title="첫째")
    waiting_call(houses.ours, title="둘째")
    for wanted, found in (
        ("첫째", ["첫째"]),
        ("과다 청구", ["첫째"]),
        ("사천", ["첫째"]),
        ("째", ["둘째", "첫째"]),
        ("%", []),
    ):
        page = agent.get("/calls/", {"q": wanted}).context["page"]
        assert [call.title for call in page.object_list] == found, wanted
    for state, found in (("done", ["첫째"]), ("active", ["둘째"]), ("failed", []), ("wrong", ["둘째", "첫째"])):
        page = agent.get("/calls/", {"state": state}).context["page"]
        assert [call.title for call in page.object_list] == found, state


def test_the_folded_filters_narrow_the_list_and_its_table(agent: Client, houses: TwoHouses) -> None:
    finished_call(houses.ours, title="첫째")
    waiting_call(houses.ours, title="둘째")
    for query, used, found in (
        ("category=telecom&outcome=callback&sentiment=negative", 3, ["첫째"]),
        ("open_actions=true", 1, ["첫째"]),
        ("category=finance", 1, []),
        ("min_minutes=1", 1, []),
        ("max_minutes=0.2&since=2020-01-31", 2, ["첫째"]),
        ("until=2020-01-31", 1, []),
        ("q=알겠습니다&party=B", 1, ["첫째"]),
        ("q=알겠습니다&party=A", 1, []),
        ("since=yesterday&category=wrong", 0, ["둘째", "첫째"]),
    ):
        answer = agent.get(f"/calls/?{query}")
        form, text = answer.context["filter"], answer.content.decode()
        assert [call.title for call in answer.context["page"].object_list] == found, query
        assert form.folded_count() == used, query
        assert ('<details class="filter-more" open>' in text) == (used > 0), query
        table = b"".join(agent.get(f"/calls/export.csv?{form.query()}").streaming_content).decode()  # type: ignore[attr-defined]
        assert [title for title in ("둘째", "첫째") if title in table] == found, query


def test_the_line_that_was_found_is_not_said_twice(agent: Client, houses: TwoHouses) -> None:
    finished_call(houses.ours)
    for wanted, lines in (("청구를 문의함", 0), ("알겠습니다", 1)):
        text = agent.get("/calls/", {"q": wanted}).content.decode()
        assert "<mark>" in text, wanted
        assert text.count('class="call-line"') == lines, wanted


@pytest.mark.parametrize("query", ["page=9999", "page=x", "q=%00", "q=" + "a" * 300, "state=done&state=failed"])
def test_a_strange_address_of_the_list_is_no_error(agent: Client, houses: TwoHouses, query: str) -> None:
    finished_call(houses.ours)
    assert agent.get(f"/calls/?{query}").status_code == 200


def test_the_list_takes_few_queries(
    agent: Client, houses: TwoHouses, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(12):
        finished_call(houses.ours, title=str(number))
    with django_assert_max_num_queries(21):
        agent.get("/calls/")


def test_the_live_rows_end_with_the_work(agent: Client, houses: TwoHouses) -> None:
    moving, other = waiting_call(houses.ours), waiting_call(houses.theirs, title="남의 통화")
    address = f"/calls/live/?id={moving.pk}&id={other.pk}"
    answer = agent.get(address)
    assert answer.status_code == 200 and str(moving.pk) in answer.content.decode()
    assert "남의 통화" not in answer.content.decode()
    end_job(moving, Job.State.FAILED, reason="not_audio")
    answer = agent.get(address)
    assert answer.status_code == 286 and "소리 파일이 아닙니다" in answer.content.decode()
    assert agent.get("/calls/live/?id=1").status_code == 404


def test_the_page_follows_the_work(agent: Client, houses: TwoHouses) -> None:
    call = waiting_call(houses.ours)
    page, progress = f"/calls/{call.pk}/", f"/calls/{call.pk}/progress/"
    assert 'hx-get="' + progress in _text(agent, page)
    Job.objects.filter(call=call).update(state=Job.State.RUNNING, stage="transcribe", progress=0.5)
    assert "받아쓰기" in _text(agent, progress) and "30%" in _text(agent, progress)
    end_job(call)
    assert agent.get(progress)["HX-Refresh"] == "true"


@pytest.mark.parametrize("code", REASONS)
def test_a_failed_call_says_why_and_can_be_tried_again(agent: Client, houses: TwoHouses, code: str) -> None:
    call = waiting_call(houses.ours)
    end_job(call, Job.State.FAILED, reason=code, stage="transcribe")
    reason = describe(code, {})
    assert reason and reason != code
    assert "처리하지 못했습니다" in _text(agent, f"/calls/{call.pk}/")
    agent.post(f"/calls/{call.pk}/retry/")
    again = Job.objects.latest("created_at")
    assert (again.state, again.stage, Job.objects.count()) == ("queued", "transcribe", 2)
    agent.post(f"/calls/{call.pk}/retry/")
    assert Job.objects.count() == 2, "what runs already is not started twice"


def test_a_call_is_cancelled_and_goes_on(agent: Client, houses: TwoHouses) -> None:
    call = waiting_call(houses.ours)
    agent.post(f"/calls/{call.pk}/cancel/")
    assert Job.objects.get().state == "cancelled"
    assert "이어서 처리" in _text(agent, f"/calls/{call.pk}/")
    agent.post(f"/calls/{call.pk}/cancel/")
    agent.post(f"/calls/{call.pk}/retry/")
    assert Job.objects.latest("created_at").state == "queued"


def test_a_call_without_a_job_can_be_started(agent: Client, houses: TwoHouses) -> None:
    call = waiting_call(houses.ours)
    Job.objects.all().delete()
    assert "처리 시작" in _text(agent, f"/calls/{call.pk}/")
    agent.post(f"/calls/{call.pk}/retry/")
    assert Job.objects.get().stage == "probe"


def test_a_finished_call_shows_evidence_and_doubt(agent: Client, houses: TwoHouses) -> None:
    text = _text(agent, f"/calls/{finished_call(houses.ours).pk}/")
    for words in ("54,000원", 'data-ref="2"', 'id="s2"', "근거를 찾지 못함", "불확실", "건 쪽", "summarizer-test@1"):
        assert words in text


def test_a_call_in_which_nobody_spoke_says_so(agent: Client, houses: TwoHouses) -> None:
    call = waiting_call(houses.ours)
    summarize(call, nobody_spoke())
    end_job(call)
    assert "통화에서 말한 사람이 없습니다." in _text(agent, f"/calls/{call.pk}/")
    assert "음성 없음" in _text(agent, "/calls/")
    agent.cookies["django_language"] = "en"
    assert "Nobody spoke in this call." in _text(agent, f"/calls/{call.pk}/")


def test_an_imported_transcript_has_no_player(agent: Client, houses: TwoHouses) -> None:
    turns = [{"speaker": "상담원", "text": "네, 말씀하세요."}, {"speaker": "고객", "text": "환불해 주세요."}]
    call = import_turns(organization=houses.ours.organization, actor=houses.ours.agent, title="채팅", turns=turns)
    text = _text(agent, f"/calls/{call.pk}/")
    assert "환불해 주세요." in text and "data-player" not in text and "data-start-s" not in text


def test_what_people_write_is_never_markup(agent: Client, houses: TwoHouses) -> None:
    evil = "<script>alert(1)</script>"
    call = finished_call(houses.ours, title=evil, content=summary(evil))
    for address in ("/calls/", f"/calls/{call.pk}/", f"/calls/?q={evil}"):
        assert evil not in _text(agent, address)


def test_pages_keep_scripts_and_styles_to_our_own(agent: Client, houses: TwoHouses) -> None:
    answer = agent.get(f"/calls/{finished_call(houses.ours).pk}/")
    policy = answer["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert "style=" not in answer.content.decode() and "onclick=" not in answer.content.decode()


def test_the_recording_is_sent_in_ranges(agent: Client, houses: TwoHouses) -> None:
    call = finished_call(houses.ours)
    content = Path(settings.MEDIA_ROOT, Recording.objects.get().listen_path).read_bytes()
    address = f"/calls/{call.pk}/audio/"
    whole = agent.get(address)
    assert (whole.status_code, whole.getvalue()) == (200, content)
    part = agent.get(address, headers={"range": "bytes=8-15"})
    assert (part.status_code, part.getvalue()) == (206, content[8:16])
    assert part["Content-Range"] == f"bytes 8-15/{len(content)}"
    assert agent.get(address, headers={"range": "bytes=9999-"}).status_code == 416
    assert agent.get(address, headers={"if-none-match": whole["ETag"]}).status_code == 304
    Path(settings.MEDIA_ROOT, Recording.objects.get().listen_path).unlink()
    assert agent.get(address).status_code == 404


def test_a_deleted_call_leaves_nothing_but_its_log(
    agent: Client, houses: TwoHouses, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    call = finished_call(houses.ours)
    with django_capture_on_commit_callbacks(execute=True):
        answer = agent.post(f"/calls/{call.pk}/delete/", follow=True)
    assert "통화를 지웠습니다" in answer.content.decode()
    assert not Call.objects.exists()
    assert not [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]
    assert AccessLog.objects.filter(action="delete_call", object_id=call.pk).exists()
