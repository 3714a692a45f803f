"""Signing in: password, second factor, recovery codes, an organization that requires one, the company login offline."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.core.cache import cache
from django.test import Client

from apps.accounts.models import Organization, User
from config.env import ConfigError, Environment
from config.login import company_login, company_origins
from tests.people import PASSWORD, TwoHouses

ISSUER: dict[str, Any] = {
    "oidc_issuer": "https://id.example.kr/realms/one",
    "oidc_client_id": "yoyak",
    "oidc_client_secret": "s",
}


@pytest.fixture(autouse=True)
def _nothing_counted() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


def _login(user: User, password: str = PASSWORD, **more: str) -> tuple[Client, Any]:
    client = Client()
    return client, client.post("/login/", {"login": user.username, "password": password} | more)


def _code(secret: str) -> str:
    return str(format_hotp_value(hotp_value(secret, next(iter(yield_hotp_counters_from_time())))))


def _set_up(client: Client) -> str:
    """Connect an authenticator through the page and return its secret."""
    confirm = client.get("/account/totp/activate/")["Location"]
    assert confirm.startswith("/account/confirm/")
    assert client.post(confirm, {"password": PASSWORD})["Location"] == "/account/totp/activate/"
    page = client.get("/account/totp/activate/").content.decode()
    found = re.search(r'class="secret" lang="en">(\w+)<', page)
    assert found is not None, page[-2000:]
    answer = client.post("/account/totp/activate/", {"code": _code(found[1])})
    assert answer["Location"] == "/account/codes/"
    cache.clear()  # a code is taken once; the next login of the test comes within the same half minute
    return found[1]


def test_a_password_and_where_it_leads(houses: TwoHouses) -> None:
    assert _login(houses.ours.agent)[1]["Location"] == "/"
    assert _login(houses.ours.agent, next="/batches/")[1]["Location"] == "/batches/"
    assert _login(houses.ours.agent, next="https://evil.example/")[1]["Location"] == "/"
    wrong = _login(houses.ours.agent, password="nothing of this")[1]
    assert wrong.status_code == 200 and "올바르지 않습니다" in wrong.content.decode()
    empty = Client().post("/login/", {"login": "", "password": "\0"})
    assert empty.status_code == 200 and 'role="alert"' in empty.content.decode()


def test_ten_wrong_passwords_lock_the_name_at_that_address(houses: TwoHouses) -> None:
    for _ in range(10):
        _, answer = _login(houses.ours.agent, password="nothing of this")
    assert answer.status_code == 429 and "15분" in answer.content.decode()
    assert _login(houses.ours.agent)[1].status_code == 429, "the right password comes too late"
    assert _login(houses.ours.reviewer)[1].status_code == 302


def test_leaving_is_a_post_and_a_poll_reloads(houses: TwoHouses) -> None:
    client, _ = _login(houses.ours.agent)
    assert client.get("/logout/").status_code == 405
    assert client.post("/logout/")["Location"] == "/login/"
    assert client.get("/calls/").status_code == 302
    assert client.get("/login/", headers={"HX-Request": "true"})["HX-Refresh"] == "true"


def test_nobody_signs_up(db: None) -> None:
    for path in ("/signup/", "/login/signup/", "/account/signup/", "/accounts/signup/"):
        assert Client().post(path, {"username": "x"}).status_code in (302, 404)
    assert not User.objects.exists()


def test_a_second_factor_and_its_recovery_codes(houses: TwoHouses) -> None:
    client, _ = _login(houses.ours.agent)
    secret = _set_up(client)
    codes = re.findall(r"<li>(\w{8,})</li>", client.get("/account/codes/").content.decode())
    assert len(codes) == 10
    for proof in (_code(secret), codes[0]):
        other, answer = _login(houses.ours.agent)
        assert answer["Location"].startswith("/login/code/")
        assert other.get("/calls/").status_code == 302, "the password alone opens nothing"
        assert "올바르지 않은" in other.post("/login/code/", {"code": "000000"}).content.decode()
        assert other.post("/login/code/", {"code": proof})["Location"] == "/"
        assert other.get("/calls/").status_code == 200
        cache.clear()
    spent, _ = _login(houses.ours.agent)
    assert spent.post("/login/code/", {"code": codes[0]}).status_code == 200, "a recovery code works once"


def test_codes_cannot_be_tried_without_end(houses: TwoHouses) -> None:
    client, _ = _login(houses.ours.agent)
    secret = _set_up(client)
    other, _ = _login(houses.ours.agent)
    for _ in range(5):
        other.post("/login/code/", {"code": "000000"})
    assert other.post("/login/code/", {"code": _code(secret)}).status_code == 200
    assert other.get("/calls/").status_code == 302


def test_an_organization_may_require_a_second_factor(houses: TwoHouses) -> None:
    agent, _ = _login(houses.ours.agent)
    stranger, _ = _login(houses.theirs.agent)
    admin, _ = _login(houses.ours.admin)
    admin.post(f"/organizations/{houses.ours.organization.pk}/totp/", {"required": "1"})
    assert Organization.objects.get(pk=houses.ours.organization.pk).require_totp
    for path in ("/calls/", "/account/", "/members/"):
        assert agent.get(path)["Location"] == "/account/totp/activate/"
    assert agent.get("/calls/live/", headers={"HX-Request": "true"})["HX-Refresh"] == "true"
    assert stranger.get("/calls/").status_code == 200
    _set_up(agent)
    assert agent.get("/calls/").status_code == 200
    agent.post("/account/totp/deactivate/")
    assert agent.get("/calls/").status_code == 302, "who turns it off sets it up again"


def test_a_new_password_ends_the_other_sessions(houses: TwoHouses) -> None:
    here, _ = _login(houses.ours.agent)
    there, _ = _login(houses.ours.agent)
    new = "a password of some length"
    asked = {"oldpassword": PASSWORD, "password1": new, "password2": new}
    assert here.post("/account/password/", asked).status_code == 302
    assert here.get("/calls/").status_code == 200
    assert there.get("/calls/").status_code == 302


def test_the_company_login_is_made_of_settings() -> None:
    assert company_login(Environment()) == {} and company_origins(Environment()) == []
    made = company_login(Environment(**ISSUER))["openid_connect"]["APPS"][0]
    assert (made["provider_id"], made["settings"]) == ("company", {"server_url": ISSUER["oidc_issuer"]})
    assert company_origins(Environment(**ISSUER)) == ["https://id.example.kr"]
    for bad in ({"oidc_issuer": "id.example.kr"}, {"oidc_client_secret": ""}, {"oidc_client_id": ""}):
        with pytest.raises(ConfigError, match="YOYAK_OIDC"):
            company_login(Environment(**(ISSUER | bad)))


def test_a_company_login_that_does_not_answer_says_so(settings: Any, houses: TwoHouses) -> None:
    settings.SOCIALACCOUNT_PROVIDERS = company_login(Environment(**(ISSUER | {"oidc_issuer": "http://127.0.0.1:9"})))
    client = Client(raise_request_exception=False)
    page = client.get("/login/").content.decode()
    assert 'action="/login/with/company/?process=login"' in page
    answer = client.post("/login/with/company/?process=login")
    assert answer.status_code == 502 and "회사 로그인 서버가" in answer.content.decode()
    assert client.get("/login/with/company/").status_code == 405
    assert client.post("/login/with/another/").status_code == 404
    assert "회사 로그인 서버가" in client.get("/login/with/company/callback/?error=x").content.decode()
