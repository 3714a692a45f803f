"""Webhooks through the API: who may, what is refused, the secret once, the log and the replay."""

import json

import pytest
from standardwebhooks import Webhook

from apps.accounts.models import AccessLog
from apps.api.models import KeptAnswer
from apps.webhooks import services
from apps.webhooks.models import Delivery, Endpoint
from tests.apps.api.asking import Program
from tests.apps.webhooks.conftest import inside, receiver  # noqa: F401
from tests.apps.webhooks.receiver import Receiver
from tests.people import TwoHouses
from workers.tasks.webhooks import deliver_one

BODY = {"url": "https://crm.example.com/hooks", "kinds": ["call.done"]}


def _create(program: Program, **changes: object) -> dict[str, str]:
    answer = program.ask("POST", "/webhooks", BODY | changes)
    assert answer.status_code == 201, answer.content
    created: dict[str, str] = json.loads(answer.content)
    return created


def test_an_endpoint_from_creation_to_the_log(houses: TwoHouses, receiver: Receiver) -> None:  # noqa: F811
    program = Program(houses.ours.admin)
    created = _create(program, url=receiver.url)
    secret, path = created["secret"], f"/webhooks/{created['id']}"
    assert "secret" not in program.read(path) and secret not in json.dumps(program.read("/webhooks"))
    sent = json.loads(program.ask("POST", f"{path}/test").content)
    assert sent["state"] == "waiting"
    assert deliver_one()
    Webhook(secret).verify(receiver.got[0][1], receiver.got[0][0])
    (row,) = program.read(f"{path}/deliveries")["items"]
    assert (row["state"], row["tries"][0]["status"]) == ("done", 204)
    again = json.loads(program.ask("POST", f"/deliveries/{row['id']}/replay").content)
    assert again["event_id"] == row["event_id"] and again["id"] != row["id"]
    renewed = json.loads(program.ask("POST", f"{path}/rotate").content)
    assert renewed["secret"].startswith("whsec_") and renewed["secret"] != secret
    changed = BODY | {"enabled": False, "description": "CRM"}
    assert json.loads(program.ask("PUT", path, changed).content)["stopped"] == "person"
    assert json.loads(program.ask("POST", f"{path}/test").content)["code"] == "webhook_stopped"
    assert program.ask("DELETE", path).status_code == 204
    assert not Endpoint.objects.exists() and not Delivery.objects.exists()
    done = set(AccessLog.objects.filter(object_id=created["id"]).values_list("action", flat=True))
    assert {"add_webhook", "change_webhook", "rotate_webhook_secret", "test_webhook", "delete_webhook"} <= done


@pytest.mark.parametrize(
    "url",
    [
        "http://crm.example.com/",
        "ftp://crm.example.com/",
        "https://",
        "crm.example.com",
        "https://localhost/",
        "https://localhost./",
        "https://10.0.0.1/",
        "https://127.1/",
        "https://0177.0.0.1/",
        "https://0x7f.0.0.1/",
        "https://2130706433/",
        "https://crm.example.com:0/",
        "https://[::1]/",
        "https://[::ffff:192.168.0.1]/",
        "https://user:pw@crm.example.com/",
        "https://crm.example.com/#x",
        "https://crm.example.com:99999/",
        "https://crm.example.com/a b",
        "https://" + "a" * 70 + ".example.com/",
        "https://[::1/",
        "https://고객.example.com/",
        "https://example..com/",
    ],
)
def test_where_webhooks_do_not_go(houses: TwoHouses, url: str) -> None:
    answer = Program(houses.ours.admin).ask("POST", "/webhooks", BODY | {"url": url})
    assert (answer.status_code, json.loads(answer.content)["code"]) == (422, "bad_webhook_url")
    assert not Endpoint.objects.exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"kinds": []},
        {"kinds": ["call.heard"]},
        {"url": 1},
        {"url": "x" * 501},
        {"url": "https://crm.example.com/\r\nX-Evil: 1"},
    ],
)
def test_a_body_without_sense(houses: TwoHouses, changes: dict[str, object]) -> None:
    assert Program(houses.ours.admin).ask("POST", "/webhooks", BODY | changes).status_code == 422


def test_only_administrators_of_the_house(houses: TwoHouses) -> None:
    created = _create(Program(houses.ours.admin))
    for person in (houses.ours.agent, houses.ours.reviewer):
        program = Program(person)
        assert program.ask("GET", "/webhooks").status_code == 404
        assert program.ask("POST", "/webhooks", BODY).status_code == 404
        assert program.ask("GET", f"/webhooks/{created['id']}").status_code == 404
    assert Program(houses.theirs.admin).read("/webhooks")["items"] == []
    assert Endpoint.objects.count() == 1


def test_there_is_a_limit(houses: TwoHouses, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "MAX_ENDPOINTS", 1)
    program = Program(houses.ours.admin)
    _create(program)
    assert json.loads(program.ask("POST", "/webhooks", BODY).content)["code"] == "too_many_webhooks"


def test_a_secret_is_not_kept_for_an_idempotency_key(houses: TwoHouses) -> None:
    program = Program(houses.ours.admin)
    created = json.loads(program.ask("POST", "/webhooks", BODY, **{"idempotency-key": "k"}).content)
    assert created["secret"]
    assert not KeptAnswer.objects.exists()
