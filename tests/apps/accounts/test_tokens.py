"""One's own API tokens by page: made once more proven, shown once, ended at once."""

import re

import pytest
from django.test import Client

from apps.accounts import services
from apps.accounts.models import AccessLog, ApiToken, User
from tests.people import PASSWORD, TwoHouses

ASKED = {"name": "CRM", "write": "1", "days": "90"}


def _proven(user: User) -> Client:
    """Return the client of somebody who has signed in and has just proven once more who they are."""
    client = Client()
    client.force_login(user)
    assert client.post("/account/confirm/?next=/account/tokens/", {"password": PASSWORD}).status_code == 302
    return client


def _works(token: str) -> bool:
    return Client().get("/api/v1/me", headers={"authorization": f"Bearer {token}"}).status_code == 200


def test_a_token_is_shown_once_and_ended_at_once(houses: TwoHouses) -> None:
    client = _proven(houses.ours.agent)
    answer = client.post("/account/tokens/", ASKED)
    found = re.search(r"yoyak_[\w-]+", answer.content.decode())
    assert answer.status_code == 201 and found is not None and "no-store" in answer["Cache-Control"]
    assert _works(found[0])
    page = client.get("/account/tokens/").content.decode()
    assert "CRM" in page and "yoyak_" not in page
    row = ApiToken.objects.get()
    assert (row.scopes, row.user) == (["read", "write"], houses.ours.agent)
    assert client.post(f"/account/tokens/{row.pk}/revoke/").status_code == 303
    assert not _works(found[0])
    assert [line.action for line in AccessLog.objects.order_by("pk")] == ["create_token", "revoke_token"]


def test_a_session_alone_makes_no_token(houses: TwoHouses, client: Client) -> None:
    client.force_login(houses.ours.agent)
    answer = client.post("/account/tokens/", ASKED)
    assert (answer.status_code, answer["Location"].split("?")[0]) == (302, "/account/confirm/")
    assert not ApiToken.objects.exists()


@pytest.mark.parametrize("wrong", [{"name": ""}, {"days": "9999"}, {"write": "everything"}])
def test_what_makes_no_sense_is_said(houses: TwoHouses, wrong: dict[str, str]) -> None:
    answer = _proven(houses.ours.agent).post("/account/tokens/", ASKED | wrong)
    assert answer.status_code == 422 and "field-error" in answer.content.decode()
    assert not ApiToken.objects.exists()


def test_there_is_a_limit(houses: TwoHouses, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "MAX_TOKENS", 1)
    client = _proven(houses.ours.agent)
    client.post("/account/tokens/", ASKED)
    assert "1개까지" in client.post("/account/tokens/", ASKED, follow=True).content.decode()
    assert ApiToken.objects.count() == 1
