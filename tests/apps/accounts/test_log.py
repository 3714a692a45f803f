"""The access log as an auditor reads it: filters, the table to take out, and nothing of the calls."""

import csv

from django.test import Client

from apps.accounts.models import AccessLog, User
from tests.calls import finished_call
from tests.people import TwoHouses


def _client(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_an_auditor_reads_who_did_what_but_no_call(houses: TwoHouses) -> None:
    call = finished_call(houses.ours, title="비밀 통화")
    _client(houses.ours.reviewer).get(call.get_absolute_url())
    auditor = _client(houses.ours.auditor)
    page = auditor.get("/access-log/").content.decode()
    assert "통화 열람" in page and houses.ours.reviewer.username in page and "비밀 통화" not in page
    assert auditor.get(call.get_absolute_url()).status_code == 404
    assert houses.ours.reviewer.username not in _client(houses.theirs.auditor).get("/access-log/").content.decode()


def test_one_call_is_a_call_in_english(houses: TwoHouses) -> None:
    call = finished_call(houses.ours)
    _client(houses.ours.reviewer).get(call.get_absolute_url())
    auditor = _client(houses.ours.auditor)
    auditor.cookies["django_language"] = "en"
    assert "<td>Call <a" in auditor.get("/access-log/?action=read_call").content.decode()


def test_filters_narrow_and_nonsense_is_ignored(houses: TwoHouses) -> None:
    first, second = finished_call(houses.ours, title="하나"), finished_call(houses.ours, title="둘")
    for user, call in ((houses.ours.reviewer, first), (houses.ours.admin, second)):
        _client(user).get(call.get_absolute_url())
    auditor = _client(houses.ours.auditor)

    def found(**asked: str) -> int:
        return int(auditor.get("/access-log/", asked).context["page"].paginator.count)

    everything = found()
    assert everything > found(action="read_call") == 2
    assert found(action="read_call", person=str(houses.ours.admin.pk)) == 1
    assert found(action="read_call", object=str(first.pk)) == 1
    assert found(since="2999-01-01") == found(until="1999-01-01") == 0
    assert found(since="x", until="9999-12-31", person="1' OR 1=1", object="x", action="\0") == everything
    assert auditor.get("/access-log/", {"page": "x"}).status_code == 200


def test_the_table_to_take_out_is_itself_logged(houses: TwoHouses) -> None:
    User.objects.filter(pk=houses.ours.admin.pk).update(username="=HYPERLINK")
    call = finished_call(houses.ours)
    _client(houses.ours.admin).get(call.get_absolute_url())
    answer = _client(houses.ours.auditor).get("/access-log.csv", {"action": "read_call"})
    rows = list(csv.DictReader(b"".join(answer).decode("utf-8-sig").splitlines()))
    assert [(row["action"], row["object_id"], row["person"]) for row in rows] == [
        ("read_call", str(call.pk), "'=HYPERLINK")
    ]
    assert AccessLog.objects.latest("pk").action == "export_access_log"


def test_an_operator_sees_queues_but_no_call(houses: TwoHouses) -> None:
    finished_call(houses.ours, title="비밀 통화")
    page = _client(houses.ours.operator).get("/installation/").content.decode()
    assert "llm" in page and "데이터베이스" in page
    assert "비밀 통화" not in page and "가람통신" not in page.replace(houses.ours.operator.username, "")
