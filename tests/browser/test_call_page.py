"""The call page in Chromium against a test server: playing, seeking, keys, correcting a line; no worker is needed."""

import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Page, expect, sync_playwright

from apps.calls.models import Recording
from tests.calls import finished_call
from tests.people import make_two_houses

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]
CHROMIUM = os.environ.get("YOYAK_TEST_CHROMIUM", "/usr/bin/chromium")
RATE_HZ, LENGTH_S = 16_000, 12
NOW = "document.querySelector('audio').currentTime"
PAUSED = "document.querySelector('audio').paused"


def _write_listening_copy(path: Path) -> None:
    """Write twelve quiet stereo seconds as Ogg Opus."""
    tone = (800 * np.sin(np.arange(RATE_HZ * LENGTH_S) / 12)).astype(np.int16)
    with av.open(str(path), "w", format="ogg") as file:
        stream: Any = file.add_stream("libopus", rate=RATE_HZ, layout="stereo")
        frame = av.AudioFrame.from_ndarray(np.repeat(tone, 2)[None], format="s16", layout="stereo")
        frame.sample_rate, frame.time_base = RATE_HZ, Fraction(1, RATE_HZ)
        file.mux(stream.encode(frame))
        file.mux(stream.encode(None))


@pytest.fixture
def page(live_server: Any, client: Client) -> Iterator[Page]:
    """The page of a finished call, signed in; no error may have reached the console when the test ends."""
    if not Path(CHROMIUM).exists():
        pytest.skip(f"no Chromium at {CHROMIUM}: apt-get install chromium")
    house = make_two_houses().ours
    call = finished_call(house)
    _write_listening_copy(Path(settings.MEDIA_ROOT) / Recording.objects.get(call=call).listen_path)
    client.force_login(house.agent)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    errors: list[str] = []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = chromium.new_context(locale="ko-KR", viewport={"width": 1440, "height": 900})
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}])
        shown = context.new_page()
        shown.set_default_timeout(60_000)
        shown.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        shown.on("pageerror", lambda error: errors.append(str(error)))
        shown.goto(f"{live_server.url}/calls/{call.pk}/#t=7")
        shown.wait_for_function(f"() => Math.abs({NOW} - 7) < 0.1")
        yield shown
        chromium.close()
    assert [error for error in errors if "409" not in error] == []


def test_playing_seeking_and_keys(page: Page) -> None:
    page.keyboard.press("k")
    page.wait_for_function(f"() => !{PAUSED} && {NOW} > 7.1")
    expect(page.locator("#s3.playing .now")).to_have_count(1)
    page.keyboard.press("Space")
    page.wait_for_function(f"() => {PAUSED}")
    page.keyboard.press("j")
    page.wait_for_function(f"() => {NOW} === 0")
    page.keyboard.press("ArrowRight")
    page.wait_for_function(f"() => {NOW} === 5")
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
    page.evaluate(
        "document.body.dispatchEvent(new KeyboardEvent('keydown',"
        " {code: 'KeyK', isComposing: true, bubbles: true, cancelable: true}))"
    )
    assert page.evaluate(PAUSED)


def test_a_line_is_corrected_in_its_place(page: Page) -> None:
    page.locator("#s2").hover()
    page.locator("#s2 [data-edit]").click()
    page.locator("#s2 textarea").fill("요금이 칠만 원이나 나왔어요.")
    page.locator("#s2").get_by_role("button", name="저장").click()
    expect(page.locator("#s2 .turn-text")).to_have_text("요금이 칠만 원이나 나왔어요.")
    page.reload()
    expect(page.locator(".stale")).to_be_visible()
