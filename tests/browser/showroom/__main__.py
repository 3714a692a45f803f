"""Take a picture of every page of a running product that a signed-in person can reach by links: in two themes, two
languages and two widths.

    python -m tests.browser.showroom http://127.0.0.1:8010 /tmp/pictures [--only calls] [--user 한서윤]

Of pages that differ in an id only, the first one met is taken. Console errors and pages wider than the screen are told.
"""

import argparse
import itertools
import re
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from playwright.sync_api import Browser, Page

from tests.browser.chromium import PATIENCE_MS, chromium

WIDTHS = {"phone": 390, "wide": 1440}
# Pages that no link leads to, or that are worth a look in a certain state.
EXTRA = ("/nowhere/", "/calls/?q=환불", "/calls/?sentiment=negative", "/calls/?q=말머리성운", "/actions/?show=done")
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")
_SKIPPED = re.compile(
    r"^/(admin/.+|static/|api/v1/openapi|calls/.+\.(csv|zip|txt|srt|vtt|json|docx|pdf)|.*\.csv|.*\.ics)|audio/$"
)


def main() -> None:
    """Find the pages, then take the pictures."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("url")
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--only", default="", help="a part of the addresses to take")
    arguments.add_argument("--user", default="한서윤")
    arguments.add_argument("--password", default="correct horse battery")
    arguments.add_argument("--looks", default="", help="a part of the looks to take, such as wide-light-ko")
    options = arguments.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        state = _sign_in(browser, options.url, options.user, options.password)
        addresses = [address for address in _addresses(browser, options.url, state) if options.only in address]
        for width, theme, language in itertools.product(WIDTHS, ("light", "dark"), ("ko", "en")):
            look = f"{width}-{theme}-{language}"
            if options.looks in look:
                _take(browser, options.url, state, addresses, options.folder, look)


def _sign_in(browser: Browser, url: str, user: str, password: str) -> dict[str, object]:
    page = browser.new_context(locale="ko-KR").new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{url}/login/")
    page.locator("[name=login]").fill(user)
    page.locator("[name=password]").fill(password)
    page.locator("main button").click()
    page.wait_for_url(f"{url}/")
    return page.context.storage_state()


def _addresses(browser: Browser, url: str, state: dict[str, object]) -> list[str]:
    page = browser.new_context(storage_state=state).new_page()
    page.set_default_timeout(PATIENCE_MS)
    waiting, found = ["/", *EXTRA], dict[str, str]()
    while waiting:
        address = waiting.pop(0)
        shape = _ID.sub("*", address)
        if shape in found:
            continue
        found[shape] = address
        page.goto(url + address)
        links = page.eval_on_selector_all("a[href]", "links => links.map(link => link.getAttribute('href'))")
        paths = [
            urlsplit(urljoin(url + address, link)).path for link in links if link.startswith(("/", "?", "http://127"))
        ]
        waiting += [path for path in paths if not _SKIPPED.search(path)]
    page.context.close()
    return list(found.values())


def _take(browser: Browser, url: str, state: dict[str, object], addresses: list[str], folder: Path, look: str) -> None:
    width, theme, language = look.split("-")
    context = browser.new_context(
        storage_state=state,
        viewport={"width": WIDTHS[width], "height": 844 if width == "phone" else 900},
        color_scheme=theme,
        reduced_motion="reduce",
        locale={"ko": "ko-KR", "en": "en-GB"}[language],
    )
    cookies = {"theme": theme, "django_language": language}
    context.set_default_timeout(PATIENCE_MS)
    context.add_cookies([{"name": name, "value": value, "url": url} for name, value in cookies.items()])
    for address in addresses:
        page = context.new_page()
        _tell_errors(page, f"{look} {address}")
        page.goto(url + address, wait_until="load")
        page.wait_for_timeout(300)
        if (wider := page.evaluate("document.documentElement.scrollWidth - innerWidth")) > 0:
            print(f"{look} {address}: {wider} pixels too wide")
        name = _ID.sub("x", address).strip("/").replace("/", "_").replace("?", "_") or "home"
        page.screenshot(path=folder / f"{name}--{look}.png", full_page=True)
        page.close()
    context.close()


def _tell_errors(page: Page, name: str) -> None:
    page.on("console", lambda message: print(f"{name}: {message.text}") if message.type == "error" else None)
    page.on("pageerror", lambda error: print(f"{name}: {error}"))


if __name__ == "__main__":
    main()
