"""Speak to the API as a program does."""

import json
from typing import Any

from django.test import Client

from apps.accounts.models import Scope, User
from apps.accounts.services import create_token

BASE = "/api/v1"
TURNS = [
    {"speaker": "상담원", "text": "무엇을 도와드릴까요"},
    {"speaker": "고객", "text": "신용 카드 환불이 안 됐어요"},
]


class Program:
    """A client with a token of its own."""

    def __init__(self, user: User, *scopes: Scope) -> None:
        self.token = create_token(user=user, name="t", scopes=scopes or tuple(Scope), days=1)
        self.client = Client(raise_request_exception=False)

    def ask(
        self, method: str, path: str, body: Any = None, content_type: str = "application/json", **headers: str
    ) -> Any:
        """Send a request and return its answer, a stream for a file; a body that is not bytes goes as JSON."""
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        headers = {"authorization": f"Bearer {self.token}"} | headers
        return self.client.generic(method, BASE + path, data, content_type=content_type, headers=headers)

    def send(self, path: str, **fields: Any) -> Any:
        """Send a form with fields and files and return its answer."""
        return self.client.post(BASE + path, fields, headers={"authorization": f"Bearer {self.token}"})

    def read(self, path: str) -> Any:
        """Return the JSON of a successful GET."""
        answer = self.ask("GET", path)
        assert answer.status_code == 200, answer.content
        return json.loads(answer.content)

    def add_call(self, title: str = "문의") -> str:
        """Add a transcript and return the id of its call."""
        answer = self.ask("POST", "/calls", {"title": title, "turns": TURNS})
        assert answer.status_code == 201, answer.content
        return str(json.loads(answer.content)["id"])
