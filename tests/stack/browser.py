"""A person without a browser: signs in, keeps cookies, posts forms with their CSRF token."""

import http.cookiejar
import re
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass


@dataclass(frozen=True)
class Page:
    """An answer: where it ended after redirects, its status and its text."""

    url: str
    status: int
    text: str


class Person:
    """One signed-in session against a running stack."""

    def __init__(self, address: str, username: str, password: str) -> None:
        self.address = address
        self.cookies = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies))
        self.get("/login/")
        page = self.post("/login/", login=username, password=password)
        assert "/login/" not in page.url, "the password was not taken"

    def get(self, path: str) -> Page:
        """Read a page; an error status is an answer too."""
        return self._open(urllib.request.Request(self.address + path))

    def post(self, path: str, **fields: str) -> Page:
        """Send a form and follow the redirect."""
        token = next(cookie.value for cookie in self.cookies if cookie.name == "csrftoken")
        body = urllib.parse.urlencode(fields | {"csrfmiddlewaretoken": token or ""}).encode()
        request = urllib.request.Request(self.address + path, data=body, headers={"Referer": self.address})
        return self._open(request)

    def _open(self, request: urllib.request.Request) -> Page:
        try:
            with self._opener.open(request, timeout=60) as answer:
                return Page(answer.url, answer.status, answer.read().decode())
        except urllib.error.HTTPError as error:
            return Page(error.url or "", error.code, error.read().decode())


def links(page: Page, pattern: str) -> list[str]:
    """Return the different addresses in `page` that match `pattern`, in order."""
    return list(dict.fromkeys(re.findall(pattern, page.text)))
