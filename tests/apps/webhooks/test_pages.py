"""The pages of webhooks: a secret seen once, refusals beside the field, the log, the notice when one was stopped."""

import re

from django.test import Client

from apps.webhooks.models import Delivery, Endpoint
from apps.webhooks.signing import secret_of
from tests.apps.webhooks.receiver import Receiver
from tests.people import TwoHouses
from workers.tasks.webhooks import deliver_one

FIELDS = {"url": "https://crm.example.com/hooks", "description": "CRM", "kinds": ["call.done", "batch.finished"]}


def test_a_secret_is_seen_once(houses: TwoHouses, client: Client) -> None:
    client.force_login(houses.ours.admin)
    answer = client.post("/webhooks/", FIELDS)
    endpoint = Endpoint.objects.get()
    page = f"/webhooks/{endpoint.pk}/"
    assert (answer.status_code, answer["Location"]) == (303, page)
    assert (endpoint.kinds, endpoint.organization) == (["batch.finished", "call.done"], houses.ours.organization)
    first = secret_of(endpoint)
    assert first in client.get(page).content.decode()
    assert "whsec_" not in client.get(page).content.decode()
    assert "whsec_" not in client.get("/webhooks/").content.decode()
    renewed = client.post(f"{page}rotate/", follow=True).content.decode()
    endpoint.refresh_from_db()
    assert secret_of(endpoint) in renewed and first not in renewed


def test_what_cannot_be_used_is_said_beside_the_field(houses: TwoHouses, client: Client) -> None:
    client.force_login(houses.ours.admin)
    for fields, words in (
        (FIELDS | {"url": "http://crm.example.com/"}, "https://로 시작해야"),
        (FIELDS | {"url": "https://192.168.0.7/"}, "내부 네트워크"),
        (FIELDS | {"kinds": []}, "필수"),
        (FIELDS | {"kinds": ["nothing"]}, "nothing"),
        (FIELDS | {"url": ""}, "필수"),
        (FIELDS | {"url": "https://x/\0"}, "문자"),
    ):
        answer = client.post("/webhooks/", fields)
        assert answer.status_code == 422
        assert re.search(rf'role="alert">[^<]*{words}', answer.content.decode()), fields
    assert not Endpoint.objects.exists()


def test_try_out_look_and_send_again(houses: TwoHouses, client: Client, receiver: Receiver) -> None:
    client.force_login(houses.ours.admin)
    client.post("/webhooks/", FIELDS | {"url": receiver.url})
    page = f"/webhooks/{Endpoint.objects.get().pk}/"
    receiver.status = 500
    client.post(f"{page}test/")
    assert deliver_one()
    shown = client.get(page).content.decode()
    assert "오류로 답함" in shown and "(500)" in shown and "연속 1번 실패" in shown
    Delivery.objects.update(state=Delivery.State.FAILED)
    client.post(f"/webhooks/deliveries/{Delivery.objects.get().pk}/replay/")
    receiver.status = 200
    assert deliver_one()
    assert "전달됨" in client.get(page).content.decode()
    client.post(page, FIELDS | {"url": receiver.url})
    assert Endpoint.objects.get().stopped == "person", "the box was not ticked"
    assert "먼저 다시 켜" in client.post(f"{page}test/", follow=True).content.decode()
    client.post(f"{page}delete/")
    assert not Endpoint.objects.exists()


def test_who_looks_after_a_stopped_one_is_told(houses: TwoHouses, client: Client) -> None:
    client.force_login(houses.ours.admin)
    client.post("/webhooks/", FIELDS | {"description": "우리만 아는 곳"})
    assert "우리만 아는 곳" in client.get("/webhooks/").content.decode()
    notice = "웹훅이 실패를 거듭해"
    for stopped, told in (("", False), ("person", False), ("failures", True), ("gone", True)):
        Endpoint.objects.update(stopped=stopped)
        assert (notice in client.get("/calls/").content.decode()) is told, stopped
    for person in (houses.ours.reviewer, houses.theirs.admin):
        client.force_login(person)
        assert notice not in client.get("/calls/").content.decode()
    assert "우리만 아는 곳" not in client.get("/webhooks/").content.decode()
