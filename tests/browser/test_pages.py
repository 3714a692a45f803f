"""Every page of the product in Chromium, light and dark: axe finds no serious issue, nothing is wider than the window,
the console stays silent. The pages come from the URL resolver, so a new one is looked at without being named here; so
do those that Django's admin makes of our own models, in our colours.
"""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, ViewportSize

from apps.accounts.models import User
from tests.apps.test_access import ROUTES, address_of, ours  # noqa: F401
from tests.browser.axe import axe_source, grave_issues
from tests.browser.chromium import PATIENCE_MS, chromium
from tests.people import PASSWORD, TwoHouses

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]
NARROW: ViewportSize = {"width": 390, "height": 844}
WIDE: ViewportSize = {"width": 1440, "height": 900}
_SEEN_THOUGH_HIDDEN = """[...document.querySelectorAll('[hidden]')].filter((element) => element.checkVisibility())
    .map((element) => element.outerHTML.slice(0, 100))"""
# Each theme, language and width at least once.
LOOKS = (("light", "ko", NARROW), ("dark", "en", NARROW), ("light", "en", WIDE))


@pytest.fixture
def browser(walks: object) -> Iterator[Browser]:
    """Chromium. Its event loop keeps Django from the database, so the rows must be there before and go after it."""
    with chromium() as running:
        yield running


@pytest.fixture
def walks(houses: TwoHouses, ours: dict[str, Any]) -> list[tuple[str, list[str]]]:  # noqa: F811
    """Return sessions (empty for nobody) with the pages that each opens and none before it."""
    TOTP.activate(houses.ours.admin, generate_totp_secret())
    RecoveryCodes.activate(houses.ours.admin)
    seen: set[str] = set()
    found = []
    staff = User.objects.create_superuser("staff", password=PASSWORD)
    chosen = f"{reverse('jobs:prepare')}?calls={ours['call_id']}"
    everywhere = [address_of(name, ours) for name in sorted(ROUTES)] + [chosen, "/nowhere/", "/api/v1/docs/"]
    for user in (houses.ours.admin, houses.ours.operator, staff, None):
        client = Client()
        if user is not None:
            _sign_in(client, user)
        addresses = _of_the_admin() if user == staff else everywhere
        pages = [address for address in addresses if address not in seen and _is_page(client, address)]
        seen.update(pages)
        found.append((client.cookies[settings.SESSION_COOKIE_NAME].value if user else "", pages))
    assert len(seen) > 30
    assert {chosen, reverse("core:installation"), reverse("admin:index")} <= seen
    return found


def _of_the_admin() -> list[str]:
    """Return the front page of Django's admin and the lists of our own models."""
    own = [
        model._meta for model in admin.site._registry if apps.get_app_config(model._meta.app_label).name[:5] == "apps."
    ]
    return [reverse("admin:index"), *(reverse(f"admin:{m.app_label}_{m.model_name}_changelist") for m in own)]


def _sign_in(client: Client, user: User) -> None:
    """Sign in as somebody who has just confirmed their password."""
    client.force_login(user)
    session = client.session
    session["account_authentication_methods"] = [{"method": "password", "at": time.time(), "reauthenticated": True}]
    session["account_authentication_methods_user"] = str(user.pk)
    session.save()


def _is_page(client: Client, address: str) -> bool:
    answer = client.get(address)
    whole = answer.get("Content-Type", "").startswith("text/html") and not answer.streaming
    return whole and answer.status_code not in (301, 302, 303) and "<html" in answer.content.decode()


@pytest.mark.timeout(3600)
def test_every_page_is_fit_to_use(live_server: Any, walks: list[tuple[str, list[str]]], browser: Browser) -> None:
    source, issues = axe_source(), []
    for theme, language, size in LOOKS:
        for session, addresses in walks:
            context = _context(browser, live_server.url, theme, language, size, session)
            for address in addresses:
                found = _look(context, live_server.url + address, source)
                issues += [f"{theme} {language} {size['width']} {address} {issue}" for issue in found]
            context.close()
    assert not issues, "\n".join(issues)


def _context(browser: Browser, url: str, theme: str, language: str, size: ViewportSize, session: str) -> BrowserContext:
    context = browser.new_context(locale="ko-KR", viewport=size, reduced_motion="reduce")
    cookies = {"theme": theme, "django_language": language} | (
        {settings.SESSION_COOKIE_NAME: session} if session else {}
    )
    context.add_cookies([{"name": name, "value": value, "url": url} for name, value in cookies.items()])
    return context


def _look(context: BrowserContext, url: str, source: str) -> list[str]:
    page, issues = context.new_page(), list[str]()
    page.set_default_timeout(PATIENCE_MS)
    page.on("pageerror", lambda error: issues.append(f"error: {error}"))
    page.on("console", lambda message: issues.append(_told(message, url)) if message.type == "error" else None)
    page.goto(url)
    wider = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    issues += [f"{wider} pixels wider than the window"] if wider > 0 else []
    issues += [f"hidden and yet seen: {element}" for element in page.evaluate(_SEEN_THOUGH_HIDDEN)]
    issues += grave_issues(page, source)
    page.close()
    return [issue for issue in issues if issue]


def _told(message: ConsoleMessage, url: str) -> str:
    """Return what the console says; that a page itself is a 404 is no fault of its."""
    own_status = message.location["url"] == url and "Failed to load resource" in message.text
    return "" if own_status else f"console: {message.text}"
