"""A page of somebody who is signed in to the test server, watched for errors until it closes."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.test import Client
from playwright.sync_api import Page

from apps.accounts.models import User
from tests.browser.chromium import PATIENCE_MS, chromium


@contextmanager
def signed_in(url: str, user: User, *, expected: tuple[str, ...] = ()) -> Iterator[Page]:
    """Yield a page with a clipboard; errors on the console that hold none of the words `expected` fail the test."""
    client, errors = Client(), list[str]()
    client.force_login(user)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    with chromium() as browser:
        context = browser.new_context(
            locale="ko-KR",
            viewport={"width": 1440, "height": 900},
            reduced_motion="reduce",
            permissions=["clipboard-read", "clipboard-write"],
        )
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": url}])
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        yield page
    assert [error for error in errors if not any(words in error for words in expected)] == []
