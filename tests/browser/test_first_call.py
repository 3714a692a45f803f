"""The first call as a person lives it, in Chromium against the running product.

From the login and the upload to a summary that is checked by ear, corrected, approved, found by searching, taken out,
summarized again in a batch and read in English. Somebody of another company and a colleague without rights find none of
it. Everything waits for what the page shows, never for a length of time.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.chromium import PATIENCE_MS, chromium
from tests.stack.running import SAMPLES, Stack, running_stack

pytestmark = [pytest.mark.browser, pytest.mark.stack, pytest.mark.slow]
DEMO_ORGANIZATION = "요약 데모"
# The workers share the processors with the browser, and with whatever else the machine does.
WORK_MS = 900_000
PASSWORD = "correct horse battery"
OTHERS = {"stranger": ("다른 회사", "ADMIN"), "colleague": (DEMO_ORGANIZATION, "AGENT")}
_MAKE_OTHERS = f"""
from apps.accounts.models import Role
from apps.accounts.services import ensure_member
for name, (house, role) in {OTHERS!r}.items():
    ensure_member(organization=house, username=name, password="{PASSWORD}", role=Role[role])
"""


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    with running_stack(tmp_path / "data", "--no-samples") as running:
        yield running


@pytest.fixture
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


def _sign_in(browser: Browser, stack: Stack, username: str, password: str) -> tuple[Page, list[str]]:
    """Return a signed-in page and the list that its console errors go into."""
    page = browser.new_context(locale="ko-KR", viewport={"width": 1440, "height": 900}).new_page()
    errors: list[str] = []
    page.set_default_timeout(PATIENCE_MS)
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{stack.url}/login/")
    page.get_by_label("아이디").fill(username)
    page.get_by_label("비밀번호").fill(password)
    page.get_by_role("button", name="로그인").click()
    expect(page).to_have_url(f"{stack.url}/")
    page.goto(f"{stack.url}/calls/")
    return page, errors


@pytest.mark.timeout(3600)
def test_a_call_from_its_upload_on(stack: Stack, browser: Browser) -> None:
    password = (stack.data_dir / "demo-password").read_text()
    page, errors = _sign_in(browser, stack, "demo", password)
    _upload(page)
    call_url = page.url
    _follow_the_evidence(page)
    _leave_the_player_alone_while_hangul_is_composed(page)
    _correct_a_line(page)
    _correct_and_approve(page)
    _take_out(page)
    _search(page)
    _summarize_again_in_a_batch(page)
    _read_in_english(page)
    assert errors == []
    _ask_as_others(browser, stack, call_url)


def _upload(page: Page) -> None:
    """Upload the shortest sample and wait on its page until the summary is there."""
    sample = min(SAMPLES.glob("*.wav"), key=lambda path: path.stat().st_size)
    page.locator("#id_files").set_input_files(sample)
    row = page.locator(".upload[data-status=added]")
    expect(row).to_contain_text(sample.name)
    row.get_by_role("link", name="열기").click()
    expect(page.locator("section.summary")).to_be_visible(timeout=WORK_MS)
    expect(page.locator("#progress")).to_have_count(0)


def _follow_the_evidence(page: Page) -> None:
    """Point at the last evidence link: its line lights up. Click it: the player goes there and plays."""
    link = page.locator("[data-ref]").last
    turn = page.locator(f"#s{link.get_attribute('data-ref')}")
    link.hover()
    expect(turn).to_have_class(re.compile(r"\blit\b"))
    link.click()
    expect(turn).to_be_in_viewport()
    start_s = float(turn.get_attribute("data-start-s") or "nan")
    page.wait_for_function(
        "start => { const at = document.querySelector('audio').currentTime; return at > 0 && at >= start - 0.1; }",
        arg=start_s,
    )


def _leave_the_player_alone_while_hangul_is_composed(page: Page) -> None:
    page.evaluate("document.querySelector('audio').pause()")
    for composing in ("true", "false"):
        page.evaluate(
            "composing => document.body.dispatchEvent(new KeyboardEvent('keydown',"
            " {code: 'Space', isComposing: composing === 'true', bubbles: true, cancelable: true}))",
            composing,
        )
        still = page.evaluate("document.querySelector('audio').paused")
        assert still == (composing == "true")


def _correct_a_line(page: Page) -> None:
    line = page.locator("#s1")
    line.hover()
    line.locator("[data-edit]").click()
    line.locator("textarea").fill("사람이 고친 첫 줄, 말머리성운.")
    line.get_by_role("button", name="저장").click()
    expect(line.locator(".turn-text")).to_have_text("사람이 고친 첫 줄, 말머리성운.")
    expect(line).to_contain_text("사람이 고침")


def _correct_and_approve(page: Page) -> None:
    page.get_by_role("link", name="고치기").click()
    page.get_by_label("제목").fill("사람이 고친 제목")
    page.get_by_role("button", name="저장하고 승인").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("사람이 고친 제목")
    expect(page.locator(".approved")).to_be_visible()


def _take_out(page: Page) -> None:
    """Take the call out as text and as a document; each holds what a person corrected."""
    for label, suffix in (("텍스트", ".txt"), ("문서(DOCX)", ".docx")):
        page.locator("summary", has_text="받기").click()
        with page.expect_download() as started:
            page.get_by_role("link", name=label, exact=True).click()
        assert started.value.suggested_filename.endswith(suffix)
        content = Path(started.value.path()).read_bytes()
        assert "사람이 고친 제목".encode() in content if suffix == ".txt" else content.startswith(b"PK")
        page.reload()


def _search(page: Page) -> None:
    """Find the corrected line in the list; its hit opens the call at that line."""
    page.get_by_role("navigation", name="주 메뉴").get_by_role("link", name="통화").click()
    box = page.get_by_role("searchbox", name="제목, 요약, 대화에서 찾기")
    box.fill("말머리")
    box.press("Enter")
    expect(page.locator(".call")).to_have_count(1)
    expect(page.locator(".hit mark")).to_have_text("말머리")
    page.locator(".hit a").first.click()
    expect(page).to_have_url(re.compile(r"/calls/[0-9a-f-]{36}/#"))
    expect(page.locator("#s1")).to_be_in_viewport()


def _summarize_again_in_a_batch(page: Page) -> None:
    page.get_by_role("navigation", name="주 메뉴").get_by_role("link", name="통화").click()
    page.locator("input[name=calls]").first.check()
    page.get_by_role("button", name="요약 다시 만들기").click()
    page.get_by_role("button", name="시작", exact=True).click()
    page.wait_for_url(re.compile(r"/batches/[0-9a-f-]{36}/$"))
    expect(page.locator("#account:not([hx-get])")).to_contain_text("1건 중 1건 완료", timeout=WORK_MS)


def _read_in_english(page: Page) -> None:
    page.get_by_role("button", name="EN", exact=True).click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator("#account")).to_contain_text("1 of 1 done")


def _ask_as_others(browser: Browser, stack: Stack, call_url: str) -> None:
    """Ask for the call as somebody of another company and as an agent who did not add it."""
    stack.manage("shell", "-c", _MAKE_OTHERS)
    for name in OTHERS:
        other, _ = _sign_in(browser, stack, name, PASSWORD)
        expect(other.locator("main")).to_contain_text("아직 통화가 없습니다")
        for address in (call_url, f"{call_url}audio/", f"{call_url}export.txt"):
            answer = other.request.get(address)
            assert answer.status == 404
            assert "사람이 고친 제목" not in answer.text()
        other.context.close()
