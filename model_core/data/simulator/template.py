"""The small template language of call scripts: alternatives, slots and particles.

Parses and analyses templates; what a slot's value is and how alternatives are drawn is decided elsewhere.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = re.compile(r"\{([^{}]*)\}|\(([^()]*)\)|([\[\]|])|([^\[\]{}()|]+)|(.)")


@dataclass(frozen=True)
class Text:
    text: str


@dataclass(frozen=True)
class Slot:
    name: str


@dataclass(frozen=True)
class Particle:
    after_consonant: str
    after_vowel: str


@dataclass(frozen=True)
class Choice:
    options: tuple["Template", ...]


Node = Text | Slot | Particle | Choice
Template = tuple[Node, ...]


class TemplateError(ValueError):
    """A template that cannot be read; the message names the place."""


def parse(source: str) -> tuple[Template, ...]:
    """Return the wordings of a template: its parts between top-level bars.

    Raises:
        TemplateError: at an unbalanced bracket or a malformed slot or particle pair.
    """
    stack: list[list[list[Node]]] = [[[]]]
    for match in _TOKEN.finditer(source):
        slot, pair, bracket, text, stray = match.groups()
        if stray:
            raise TemplateError(f"a stray {stray!r} at column {match.start() + 1}")
        if bracket == "[":
            stack.append([[]])
        elif bracket == "|":
            stack[-1].append([])
        elif bracket == "]":
            if len(stack) == 1:
                raise TemplateError(f"']' at column {match.start() + 1} closes nothing")
            options = tuple(tuple(option) for option in stack.pop())
            stack[-1][-1].append(Choice(options))
        else:
            stack[-1][-1].append(_leaf(slot, pair, text))
    if len(stack) > 1:
        raise TemplateError("a '[' is not closed")
    return tuple(_stripped(option) for option in stack[0])


def _leaf(slot: str | None, pair: str | None, text: str | None) -> Node:
    if slot is not None:
        if not re.fullmatch(r"[A-Za-z_]\w*", slot):
            raise TemplateError(f"{{{slot}}} is no slot name")
        return Slot(slot)
    if pair is not None:
        forms = pair.split("/")
        if len(forms) != 2 or not all(forms):
            raise TemplateError(f"({pair}) is not a pair of particles such as (이/가)")
        return Particle(forms[0], forms[1])
    return Text(text or "")


def _stripped(nodes: list[Node]) -> Template:
    """Drop the blanks around the bars that separate wordings."""
    out = list(nodes)
    if out and isinstance(out[0], Text):
        out[0] = Text(out[0].text.lstrip())
    if out and isinstance(out[-1], Text):
        out[-1] = Text(out[-1].text.rstrip())
    return tuple(node for node in out if node != Text(""))


def walk(template: Template) -> Iterator[Node]:
    """Yield every node of a template, those inside alternatives included."""
    for node in template:
        yield node
        if isinstance(node, Choice):
            for option in node.options:
                yield from walk(option)


def slots_in(template: Template) -> set[str]:
    """Return the names of the slots that may be said."""
    return {node.name for node in walk(template) if isinstance(node, Slot)}


def slots_always(template: Template) -> set[str]:
    """Return the names of the slots that are said whichever alternatives are drawn."""
    names: set[str] = set()
    for node in template:
        if isinstance(node, Slot):
            names.add(node.name)
        elif isinstance(node, Choice):
            names |= set.intersection(*(slots_always(option) for option in node.options))
    return names


def text_of(template: Template) -> str:
    """Return all literal text, alternatives one after another, for checks."""
    return " ".join(node.text for node in walk(template) if isinstance(node, Text))


def count_wordings(template: Template) -> int:
    """Return how many texts the alternatives make, slots aside."""
    return math.prod(
        sum(count_wordings(option) for option in node.options) if isinstance(node, Choice) else 1 for node in template
    )
