"""The call page in Chromium against a test server: playing, keys, correcting a line, its weight. No worker runs."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from playwright.sync_api import CDPSession, Page, expect

from apps.calls.models import Call, Recording
from apps.transcripts.services import replace_segments
from tests.browser.showroom.sound import PEAKS_PER_S, write_listening_copy
from tests.browser.signed_in import signed_in
from tests.calls import finished_call
from tests.people import House, make_two_houses
from workers.contracts.transcript import Segment

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]
LENGTH_S = 12
# What the call page may load of ours, and what a processor may spend until it answers to a person.
MOST_BYTES, INTERACTIVE_S = 150_000, 1.0
NOW = "document.querySelector('audio').currentTime"
PAUSED = "document.querySelector('audio').paused"


@pytest.fixture
def house() -> House:
    return make_two_houses().ours


@pytest.fixture
def call(house: House, monkeypatch: pytest.MonkeyPatch) -> Call:
    """A finished call with twelve seconds of sound, a party on each channel."""
    made = finished_call(house)
    peaks = [[0.3] * (LENGTH_S * PEAKS_PER_S)] * 2
    write_listening_copy(Path(settings.MEDIA_ROOT) / Recording.objects.get(call=made).listen_path, peaks)
    monkeypatch.setattr("apps.calls.page.probe_facts", lambda _: {"tracks": ["a", "b"]})
    return made


@pytest.fixture
def page(live_server: Any, house: House, call: Call) -> Iterator[Page]:
    """The page of the call at its seventh second."""
    with signed_in(live_server.url, house.agent, expected=("409", "Failed to load resource")) as shown:
        shown.goto(f"{live_server.url}/calls/{call.pk}/#t=7")
        shown.wait_for_function(f"() => Math.abs({NOW} - 7) < 0.1")
        yield shown


@pytest.fixture
def pause(call: Call) -> None:
    """Let nobody speak from 6.4 to 9 seconds."""
    call.segments.filter(number=3).update(end_s=6.4)


@pytest.fixture
def long_call(call: Call) -> None:
    """Give the call three hundred lines, an hour of talk."""
    words = "네 고객님 말씀하신 내용은 확인해 보고 다시 연락드리겠습니다"
    lines = [Segment(n, "AB"[n % 2], 12.0 * n, 12.0 * n + 9, words, 0.9) for n in range(1, 301)]
    replace_segments(call_id=call.pk, organization_id=call.organization_id, segments=lines)


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
    expect(page.locator(".stale")).to_be_hidden()
    page.keyboard.press("Control+Enter")
    expect(page.locator("#s2 .turn-text")).to_have_text("요금이 칠만 원이나 나왔어요.")
    expect(page.get_by_role("status")).to_have_text("고친 줄을 저장했습니다")
    expect(page.locator("#s2 [data-edit]")).to_be_focused()
    expect(page.locator(".stale")).to_be_visible()
    page.reload()
    expect(page.locator(".stale")).to_be_visible()


def test_what_the_mouse_pressed_leaves_the_space_bar_to_the_player(page: Page) -> None:
    mute = page.locator("[data-mute]").first
    for control in (mute, page.locator("[data-skip-silence]"), page.locator(".one-line .ref").first):
        control.click()
        page.evaluate("document.querySelector('audio').pause()")
        page.keyboard.press("Space")
        page.wait_for_function(f"() => !{PAUSED}")
        page.keyboard.press("Space")
        page.wait_for_function(f"() => {PAUSED}")
    expect(mute).to_have_attribute("aria-pressed", "false")
    page.locator("[data-toggle]").focus()
    for _ in ("forward", "wave", "mute"):
        page.keyboard.press("Tab")
    expect(mute).to_be_focused()
    page.keyboard.press("Space")
    expect(mute).to_have_attribute("aria-pressed", "true")


def test_leaving_the_search_forgets_it(page: Page) -> None:
    count = page.locator("[data-find-count]")
    page.keyboard.press("/")
    page.keyboard.type("오만")
    expect(count).to_have_text("1 / 1")
    page.keyboard.press("Escape")
    expect(count).to_have_text("")
    assert page.evaluate("CSS.highlights.get('found').size") == 0


def test_the_speed_and_skipping_silence_hold_on_the_next_page(page: Page) -> None:
    page.locator("[data-speed]").select_option("1.5")
    page.locator("[data-skip-silence]").check()
    page.reload()
    assert page.evaluate("document.querySelector('audio').playbackRate") == 1.5
    expect(page.locator("[data-skip-silence]")).to_be_checked()


def test_a_page_in_use_is_not_loaded_under_the_hands(page: Page) -> None:
    page.get_by_label("더 보기").click()
    page.get_by_role("button", name="요약 다시 만들기").click()
    expect(page.locator("#progress")).to_be_visible()
    page.locator("#s2 [data-edit]").click()
    page.locator("#s2 textarea").fill("쓰다 만 글")
    page.route("**/progress/", lambda route: route.fulfill(headers={"HX-Refresh": "true"}))
    expect(page.get_by_role("heading", name="새 내용이 있습니다")).to_be_visible()
    expect(page.locator("#s2 textarea")).to_have_value("쓰다 만 글")
    page.get_by_role("link", name="새로 보기").click()
    expect(page.locator("#s2 textarea")).to_have_count(0)


def test_the_tools_of_the_player(page: Page) -> None:
    """Mute a party, change the speed, drag on the waveform, copy the link of the moment."""
    first = page.locator("[data-mute]").first
    expect(first).to_have_text("받은 쪽")
    first.click()
    expect(first).to_have_attribute("aria-pressed", "false")
    expect(page.locator(".lane.party-A.muted")).to_have_count(2)
    expect(page.locator(".lane.party-B.muted")).to_have_count(0)
    first.click()
    expect(page.locator(".lane.muted")).to_have_count(0)
    page.locator("[data-speed]").select_option("1.5")
    assert page.evaluate("document.querySelector('audio').playbackRate") == 1.5
    wave = page.locator("[data-wave]").bounding_box()
    assert wave is not None
    middle = wave["y"] + wave["height"] / 2
    page.mouse.move(wave["x"] + wave["width"] / 4, middle)
    page.mouse.down()
    page.wait_for_function(f"() => Math.abs({NOW} - {LENGTH_S / 4}) < 0.1")
    page.mouse.move(wave["x"] + wave["width"] / 2, middle)
    page.mouse.up()
    page.wait_for_function(f"() => Math.abs({NOW} - {LENGTH_S / 2}) < 0.1")
    page.locator("[data-link]").click()
    expect(page.get_by_role("status")).to_have_text("링크를 복사했습니다")
    link = page.evaluate("navigator.clipboard.readText()")
    assert link == page.url and link.endswith(("#t=6.0", "#t=6.1"))


@pytest.mark.usefixtures("pause")
def test_silence_is_skipped(page: Page) -> None:
    page.locator("[data-skip-silence]").check()
    page.locator("[data-toggle]").click()
    page.wait_for_function(f"() => {NOW} > 8.6 && {NOW} < 11")
    expect(page.locator("[data-toggle]")).to_have_attribute("aria-label", "멈춤")


def test_evidence_shows_its_line_beside_the_link(page: Page) -> None:
    """The box is there for the pointer and for the keyboard, on chips as well, and goes with Escape."""
    box = page.get_by_role("tooltip")
    for link in (page.locator(".value-chip").first, page.locator(".one-line .ref").first):
        link.hover()
        expect(box).to_contain_text("요금이 오만 사천 원이나 나왔어요.")
        expect(box.locator("strong")).to_have_text("건 쪽")
        page.mouse.move(0, 0)
        expect(box).to_be_hidden()
    page.locator(".value-chip").first.focus()
    expect(page.locator(".value-chip").first).to_have_attribute("aria-describedby", "said")
    page.keyboard.press("Escape")
    expect(box).to_have_count(0)


def test_the_summary_is_copied(page: Page) -> None:
    page.locator(".copy").click()
    expect(page.locator(".copy")).to_have_text("복사됨")
    assert "오만 사천 원" in page.evaluate("navigator.clipboard.readText()")


def test_the_parties_are_named_and_swapped(page: Page) -> None:
    page.locator(".parties summary").click()
    page.locator("#name-A").focus()
    page.keyboard.press("Escape")
    expect(page.locator(".parties summary")).to_be_focused()
    page.keyboard.press("Enter")
    page.locator("#name-A").fill("김하늘")
    page.get_by_role("button", name="이름 저장").click()
    expect(page.locator("#s1 .turn-party")).to_have_text("김하늘")
    expect(page.locator("[data-mute]").first).to_have_text("김하늘")
    page.locator(".parties summary").click()
    page.get_by_role("button", name="두 사람 맞바꾸기").click()
    expect(page.locator("#s1.party-B")).to_be_visible()
    expect(page.locator("[data-mute]").first).to_have_class("party-B")


def test_a_page_that_comes_back_goes_on_where_it_was_left(page: Page) -> None:
    page.keyboard.press("ArrowLeft")
    page.wait_for_function(f"() => Math.abs({NOW} - 2) < 0.1")
    page.get_by_role("button", name="승인").click()
    expect(page.locator(".approved")).to_be_visible()
    page.wait_for_function(f"() => Math.abs({NOW} - 2) < 0.1")


def test_what_was_written_is_not_left_without_a_question(page: Page) -> None:
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    page.get_by_role("link", name="고치기").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("요약 고치기")
    page.get_by_label("결과").select_option("escalated")
    page.get_by_role("link", name="그만두기").click()
    page.wait_for_timeout(500)
    expect(page.get_by_role("heading", level=1)).to_have_text("요약 고치기")
    page.get_by_role("button", name="저장", exact=True).click()
    expect(page.locator(".summary")).to_contain_text("상위 이관")
    assert asked == ["beforeunload"]


def test_long_names_leave_room_for_the_tools_on_a_telephone(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.locator(".parties summary").click()
    for party in "AB":
        page.locator(f"#name-{party}").fill("가람통신 고객상담 1팀 김하늘 상담원")
    page.get_by_role("button", name="이름 저장").click()
    expect(page.locator("[data-mute]").first).to_contain_text("김하늘")
    tools = page.locator(".player-tools > :not(.player-parties):visible, [data-mute]").all()
    edges = [box["x"] + box["width"] for tool in tools if (box := tool.bounding_box())]
    starts = [box["x"] for tool in tools if (box := tool.bounding_box())]
    assert len(edges) == 5 and max(edges) <= 390
    assert all(edge <= start for edge, start in zip(edges, starts[1:], strict=False)), "none lies over another"


def test_a_correction_that_cannot_be_had_says_so(page: Page) -> None:
    for trouble, words in ((403, "권한이 없습니다"), (500, "서버가 답하지 않습니다")):
        page.route("**/transcripts/**", lambda route, _, status=trouble: route.fulfill(status=status))
        page.locator("#s2 [data-edit]").click()
        expect(page.locator("#s2").get_by_role("alert")).to_contain_text(words)
        page.unroute("**/transcripts/**")
    page.locator("#s2 [data-edit]").click()
    expect(page.locator("#s2 textarea")).to_be_focused()
    expect(page.locator("#s2").get_by_role("alert")).to_have_count(0)
    page.route("**/transcripts/**", lambda route: route.abort())
    page.locator("#s2").get_by_role("button", name="저장").click()
    expect(page.locator("#s2").get_by_role("alert")).to_contain_text("연결이 끊겼거나")
    expect(page.locator("#s2 textarea")).to_be_visible()


@pytest.mark.usefixtures("long_call")
def test_the_page_of_a_long_call_is_light_and_quick(page: Page) -> None:
    """Weigh what is ours, uncompressed; count the processor's time, which other work on the machine does not change."""
    entries = page.evaluate(
        "performance.getEntriesByType('resource').map(entry => [entry.name, entry.decodedBodySize])"
    )
    ours = {url: size for url, size in entries if "/static/" in url and "htmx" not in url}
    assert len(ours) > 10
    assert sum(ours.values()) < MOST_BYTES, ours
    devtools = page.context.new_cdp_session(page)
    devtools.send("Performance.enable", {"timeDomain": "threadTicks"})
    before = _spent_s(devtools)
    page.reload()
    page.locator("#s300").wait_for()
    spent = {name: now - before[name] for name, now in _spent_s(devtools).items()}
    assert 0 < spent["TaskDuration"] < INTERACTIVE_S, spent


def _spent_s(devtools: CDPSession) -> dict[str, float]:
    metrics = devtools.send("Performance.getMetrics")["metrics"]
    return {each["name"]: each["value"] for each in metrics if each["name"].endswith("Duration")}
