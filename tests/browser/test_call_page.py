"""The call page in Chromium against a test server: playing, keys, correcting a line, its weight. No worker runs."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Page, expect

from apps.calls.models import Recording
from tests.browser.chromium import PATIENCE_MS, chromium
from tests.browser.showroom.sound import PEAKS_PER_S, write_listening_copy
from tests.calls import finished_call
from tests.people import make_two_houses

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]
LENGTH_S = 12
# What the call page may load of ours, and when it must answer to a person on a machine with nothing else to do.
MOST_BYTES, INTERACTIVE_S = 150_000, 1.0
NOW = "document.querySelector('audio').currentTime"
PAUSED = "document.querySelector('audio').paused"


@pytest.fixture
def page(live_server: Any, client: Client) -> Iterator[Page]:
    """The page of a finished call, signed in; no error may have reached the console when the test ends."""
    house = make_two_houses().ours
    call = finished_call(house)
    peaks = [[0.3] * (LENGTH_S * PEAKS_PER_S)] * 2
    write_listening_copy(Path(settings.MEDIA_ROOT) / Recording.objects.get(call=call).listen_path, peaks)
    client.force_login(house.agent)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    errors: list[str] = []
    with chromium() as browser:
        context = browser.new_context(locale="ko-KR", viewport={"width": 1440, "height": 900})
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}])
        shown = context.new_page()
        shown.set_default_timeout(PATIENCE_MS)
        shown.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        shown.on("pageerror", lambda error: errors.append(str(error)))
        shown.goto(f"{live_server.url}/calls/{call.pk}/#t=7")
        shown.wait_for_function(f"() => Math.abs({NOW} - 7) < 0.1")
        yield shown
    assert [error for error in errors if "409" not in error] == []


def test_playing_seeking_and_keys(page: Page) -> None:
    page.keyboard.press("k")
    page.wait_for_function(f"() => !{PAUSED} && {NOW} > 7.1")
    expect(page.locator("#s3.playing .now")).to_have_count(1)
    page.keyboard.press("Space")
    page.wait_for_function(f"() => {PAUSED}")
    page.keyboard.press("j")
    page.wait_for_function(f"() => {NOW} === 0")
    for key, at_s in (("ArrowRight", 5), ("l", LENGTH_S - 0.05), ("ArrowLeft", 6.95), ("ArrowDown", 9), ("ArrowUp", 6)):
        page.keyboard.press(key)
        page.wait_for_function(f"() => Math.abs({NOW} - {at_s}) < 0.02")
    page.locator("#s2 [data-at]").nth(1).click()
    page.wait_for_function(f"() => !{PAUSED} && {NOW} > 3.1")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")


def test_keys_are_silent_while_typing_or_composing(page: Page) -> None:
    page.keyboard.press("/")
    expect(page.locator("[data-find]")).to_be_focused()
    page.keyboard.type("오만 k")
    page.keyboard.press("Escape")
    for composing in ("isComposing: true", "keyCode: 229"):
        page.evaluate(
            "document.body.dispatchEvent(new KeyboardEvent('keydown',"
            f" {{code: 'KeyK', {composing}, bubbles: true, cancelable: true}}))"
        )
        assert page.evaluate(PAUSED)
    page.locator("#s2").hover()
    page.locator("#s2 [data-edit]").click()
    page.locator("#s2 textarea").fill("")
    page.locator("#s2 textarea").press_sequentially("jkl /?")
    expect(page.locator("#s2 textarea")).to_have_value("jkl /?")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert page.evaluate(PAUSED) and abs(page.evaluate(NOW) - 7) < 0.1


def test_a_line_is_corrected_in_its_place(page: Page) -> None:
    page.locator("#s2").hover()
    page.locator("#s2 [data-edit]").click()
    page.locator("#s2 textarea").fill("요금이 칠만 원이나 나왔어요.")
    page.locator("#s2").get_by_role("button", name="저장").click()
    expect(page.locator("#s2 .turn-text")).to_have_text("요금이 칠만 원이나 나왔어요.")
    page.reload()
    expect(page.locator(".stale")).to_be_visible()


def test_the_page_is_light_and_quick(page: Page) -> None:
    """Weigh what is ours, uncompressed. The time is the best of five loads, in shares of a free core."""
    times_s = []
    for _ in range(5):
        page.reload()
        times_s.append(page.evaluate("performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd") / 1000)
    entries = page.evaluate(
        "performance.getEntriesByType('resource').map(entry => [entry.name, entry.decodedBodySize])"
    )
    ours = {url: size for url, size in entries if "/static/" in url and "htmx" not in url}
    assert len(ours) > 10
    assert sum(ours.values()) < MOST_BYTES, ours
    crowd = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
    assert min(times_s) < INTERACTIVE_S * crowd, (times_s, crowd)
