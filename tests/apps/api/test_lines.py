"""Names and titles: the document's length is that of the text as it was sent, what is kept has no blanks around it."""

import json
from typing import Any

import pytest

from apps.jobs.models import Batch
from apps.sorting.models import Tag
from tests.apps.api.asking import TURNS, Program
from tests.calls import finished_call
from tests.people import TwoHouses


def _field(**more: Any) -> dict[str, Any]:
    return {"name": "방문", "spec": {"fields": [{"label": "주소", "type": "address"} | more]}}


LINES = {
    "label": ("/templates", 40, lambda text: _field(label=text)),
    "clue": ("/templates", 40, lambda text: _field(clues=[text])),
    "template": ("/templates", 80, lambda text: {"name": text, "spec": {}}),
    "team": ("/teams", 100, lambda text: {"name": text}),
    "invitation": ("/invitations", 100, lambda text: {"note": text, "role": "agent"}),
    "tag": ("/tags", 40, lambda text: {"name": text, "filter": {}}),
    "search": ("/searches", 60, lambda text: {"name": text, "filter": {"q": "환불"}}),
    "batch": ("/batches", 200, lambda text: {"name": text, "filter": {}}),
    "call": ("/calls", 300, lambda text: {"title": text, "turns": TURNS}),
}


@pytest.mark.parametrize("name", LINES)
def test_a_line_is_measured_as_it_was_sent(name: str, houses: TwoHouses) -> None:
    finished_call(houses.ours)
    program = Program(houses.ours.admin)
    path, limit, body = LINES[name]
    for text in (" " + "가" * limit, " ", "\x1f", "\x85", "\ufeff", "가\n나", ""):
        answer = program.ask("POST", path, body(text))
        assert (answer.status_code, json.loads(answer.content)["code"]) == (422, "invalid"), repr(text)
    answer = program.ask("POST", path, body(" " + "가" * (limit - 2) + " "))
    assert answer.status_code in (200, 201), answer.content


def test_what_is_kept_has_no_blanks_around_it(houses: TwoHouses) -> None:
    finished_call(houses.ours)
    program = Program(houses.ours.admin)
    spec = _field(label=" 주소 ", clues=[" 어디 "])["spec"]
    made = json.loads(program.ask("POST", "/templates", {"name": " 방문 ", "spec": spec}).content)
    assert made["name"] == "방문"
    assert made["current"]["spec"]["fields"] == [{"label": "주소", "type": "address", "clues": ["어디"]}]
    for path in ("/tags", "/batches"):
        program.ask("POST", path, {"name": " 급함 ", "filter": {}})
    assert Tag.objects.get().name == Batch.objects.get().name == "급함"
    assert len(program.read("/calls?tag=%20%EA%B8%89%ED%95%A8%20")["items"]) == 1
