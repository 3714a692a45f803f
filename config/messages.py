"""The English catalogue of the pages, kept without GNU gettext: gather the strings of the code, read and write the
``.po`` that people edit, compile the ``.mo`` that Django loads.

Both files are in the repository, so a clean clone speaks English with nothing to install or to build;
``manage.py translations`` renews them and a test compares them with the code. Knows no pages.
"""

import ast
import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from django.utils.translation.template import templatize

FOLDER = Path("config", "locale", "en", "LC_MESSAGES")
_SOURCES = ("config", "apps", "workers")
_TEMPLATES = "templates"
_HEADER = "Language: en\nContent-Type: text/plain; charset=UTF-8\nPlural-Forms: nplurals=2; plural=(n != 1);\n"
# The names under which the code calls gettext; the flags tell whether a context and a plural are among the arguments.
_CALLS = {
    "_": (False, False),
    **{f"gettext{lazy}": (False, False) for lazy in ("", "_lazy")},
    **{f"ngettext{lazy}": (False, True) for lazy in ("", "_lazy")},
    **{f"pgettext{lazy}": (True, False) for lazy in ("", "_lazy")},
    **{f"npgettext{lazy}": (True, True) for lazy in ("", "_lazy")},
}
_TEMPLATE_CALL = re.compile(r"\b(?:n?p?gettext|_)\(")


@dataclass(frozen=True)
class Message:
    """A string of the code with what tells it apart: its context, and its plural form where it counts something."""

    text: str
    context: str = ""
    plural: str = ""


Catalog = Mapping[Message, tuple[str, ...]]


def gather(root: Path) -> list[Message]:
    """Return the messages in the Python code and the templates under `root`, in the order of files and lines."""
    found: dict[Message, None] = {}
    for folder in _SOURCES:
        for path in sorted((root / folder).rglob("*.py")):
            if "migrations" not in path.parts:
                found.update(dict.fromkeys(_in_python(path.read_text(encoding="utf-8"))))
    for path in sorted(path for kind in ("*.html", "*.txt") for path in (root / _TEMPLATES).rglob(kind)):
        found.update(dict.fromkeys(_in_template(path.read_text(encoding="utf-8"))))
    return list(found)


def _in_python(source: str) -> Iterator[Message]:
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    for call in sorted(calls, key=lambda node: (node.lineno, node.col_offset)):
        if message := _message(call):
            yield message


def _in_template(source: str) -> Iterator[Message]:
    code = templatize(source)
    for match in _TEMPLATE_CALL.finditer(code):
        if message := _message(_call_at(code, match.start())):
            yield message


def _call_at(code: str, start: int) -> ast.expr | None:
    """Return the call that begins at `start`: up to the first bracket with which it can be read."""
    end = code.find(")", start)
    while end >= 0:
        try:
            return ast.parse(code[start : end + 1], mode="eval").body
        except SyntaxError:
            end = code.find(")", end + 1)
    return None


def _message(call: ast.expr | None) -> Message | None:
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or call.func.id not in _CALLS:
        return None
    has_context, has_plural = _CALLS[call.func.id]
    texts = [node.value for node in call.args if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    if len(texts) != 1 + has_context + has_plural:
        return None
    context = texts.pop(0) if has_context else ""
    return Message(texts[0], context, texts[1] if has_plural else "")


def read_po(text: str) -> dict[Message, tuple[str, ...]]:
    """Return the messages of a ``.po`` with their translations ("" where one is missing); its header is left out."""
    catalog = {}
    for block in text.split("\n\n"):
        fields: dict[str, str] = {}
        name = ""
        for line in block.split("\n"):
            if match := re.match(r'(msg\w+(?:\[\d\])?) (".*")', line):
                name = match[1]
                fields[name] = ast.literal_eval(match[2])
            elif line.startswith('"'):
                fields[name] += ast.literal_eval(line)
        if fields.get("msgid"):
            message = Message(fields["msgid"], fields.get("msgctxt", ""), fields.get("msgid_plural", ""))
            catalog[message] = tuple(fields[name] for name in sorted(fields) if name.startswith("msgstr"))
    return catalog


def write_po(catalog: Catalog) -> str:
    """Return `catalog` as a ``.po``."""
    blocks = ['msgid ""\nmsgstr ""\n' + "\n".join(_quoted(line) for line in _HEADER.splitlines(keepends=True))]
    for message, translations in catalog.items():
        lines = ["#, python-format"] if "%(" in message.text else []
        lines += [f"msgctxt {_quoted(message.context)}"] if message.context else []
        lines += [f"msgid {_quoted(message.text)}"]
        lines += [f"msgid_plural {_quoted(message.plural)}"] if message.plural else []
        names = [f"msgstr[{n}]" for n in range(len(translations))] if message.plural else ["msgstr"]
        lines += [f"{name} {_quoted(text)}" for name, text in zip(names, translations, strict=True)]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def compile_mo(catalog: Catalog) -> bytes:
    """Return `catalog` as a ``.mo``; messages without a full translation are left out, so that their own text shows.

    Source: GNU gettext manual, "The Format of GNU MO Files".
    """
    pairs = sorted((_key(message), "\0".join(texts)) for message, texts in catalog.items() if all(texts))
    keys, values = ([text.encode() + b"\0" for text in column] for column in zip(("", _HEADER), *pairs, strict=True))
    tables_at, data_at = 28, 28 + 16 * len(keys)
    offsets = list(accumulate(map(len, [*keys, *values]), initial=data_at))
    table = b"".join(
        struct.pack("<II", len(data) - 1, offset) for data, offset in zip([*keys, *values], offsets, strict=False)
    )
    head = struct.pack("<7I", 0x950412DE, 0, len(keys), tables_at, tables_at + 8 * len(keys), 0, data_at)
    return head + table + b"".join(keys) + b"".join(values)


def _key(message: Message) -> str:
    text = f"{message.text}\0{message.plural}" if message.plural else message.text
    return f"{message.context}\x04{text}" if message.context else text
