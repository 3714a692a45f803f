"""Every action and kind of object that the code writes into the access log has a name for people."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from apps.accounts.labels import ACTIONS, KINDS
from apps.actions.models import ActionEvent

ROOT = Path(__file__).resolve().parent.parent.parent.parent
_WRITES = re.compile(r"log_access|_log|record_reading|_keep")
_NAME = re.compile(r"[a-z]+(_[a-z]+)+")


def _written() -> Iterator[tuple[str, ast.Call]]:
    for path in sorted((*(ROOT / "apps").rglob("*.py"), *(ROOT / "workers").rglob("*.py"))):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                name = node.func.id if isinstance(node.func, ast.Name) else ""
                if _WRITES.match(name):
                    yield str(path), node


def _texts(node: ast.AST) -> set[str]:
    return {one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str)}


def test_every_action_written_has_a_name() -> None:
    named = {text for _, call in _written() for text in _texts(call) if _NAME.fullmatch(text)}
    named |= {f"action_{kind}" for kind in ActionEvent.Kind.values}
    assert len(named) > 40
    assert named - set(ACTIONS) == set()


def test_every_kind_written_has_a_name() -> None:
    kinds = {text for _, call in _written() for word in call.keywords if word.arg == "kind" for text in _texts(word)}
    assert len(kinds) > 10
    assert kinds - set(KINDS) == set()
