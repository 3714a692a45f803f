"""Utterances of a simulated call: pieces of text that remember which slot they say.

Turns templates into pieces, spoken and as a transcript shows them, and lines them up; knows nothing of whole calls.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from model_core.data.korean import josa
from model_core.data.simulator.slots import SlotValue
from model_core.data.simulator.template import Choice, Particle, Slot, Template, Text

Show = Callable[[SlotValue], str]


@dataclass(frozen=True)
class Piece:
    """A stretch of an utterance; `slot` is the key of the slot that it says, or empty."""

    spoken: str
    shown: str
    slot: str = ""


@dataclass(frozen=True)
class Utterance:
    """What a party says in one go, and the labels of the script's turns that it holds."""

    party: str
    pieces: tuple[Piece, ...]
    labels: tuple[str, ...] = field(default=())

    @property
    def shown(self) -> str:
        return "".join(piece.shown for piece in self.pieces)

    @property
    def spoken(self) -> str:
        return "".join(piece.spoken for piece in self.pieces)


def plain_piece(text: str) -> Piece:
    """Return a piece that no slot belongs to."""
    return Piece(text, text)


def say(
    template: Template, values: Mapping[str, SlotValue], rng: random.Random, show: Show, prefix: str = ""
) -> tuple[Piece, ...]:
    """Draw the alternatives of a template and fill its slots; `prefix` makes the keys of a call's slots unique."""
    pieces: list[Piece] = []
    _say(template, values, rng, show, prefix, pieces)
    return tidy(pieces)


def _say(
    template: Template,
    values: Mapping[str, SlotValue],
    rng: random.Random,
    show: Show,
    prefix: str,
    out: list[Piece],
) -> None:
    for node in template:
        if isinstance(node, Text):
            out.append(plain_piece(node.text))
        elif isinstance(node, Slot):
            value = values[node.name]
            out.append(Piece(value.spoken, show(value), prefix + node.name))
        elif isinstance(node, Choice):
            _say(rng.choice(node.options), values, rng, show, prefix, out)
        elif isinstance(node, Particle):
            before = "".join(piece.spoken for piece in out[-3:])
            out.append(plain_piece(josa.choose(before, node.after_consonant, node.after_vowel)))


def tidy(pieces: list[Piece]) -> tuple[Piece, ...]:
    """Mend what empty alternatives leave behind: double blanks, blanks before and at the start of punctuation."""
    out: list[Piece] = []
    last = " "
    for piece in pieces:
        if piece.slot:
            out.append(piece)
            last = piece.shown[-1:]
            continue
        text: list[str] = []
        for char in piece.shown:
            if char == " " and last == " ":
                continue
            if char in ".,?" and last == " " and text:
                text.pop()
                last = text[-1] if text else last
            if char in ".,?" and (last in " .,?" and not (last == " " and (text or out))):
                continue
            text.append(char)
            last = char
        if text:
            out.append(plain_piece("".join(text)))
    return _trimmed(out)


def _trimmed(pieces: list[Piece]) -> tuple[Piece, ...]:
    if pieces and not pieces[-1].slot:
        text = pieces[-1].shown.rstrip(" ,")
        pieces = [*pieces[:-1], *([plain_piece(text)] if text else [])]
    merged: list[Piece] = []
    for piece in pieces:
        if merged and not piece.slot and not merged[-1].slot:
            merged[-1] = plain_piece(merged[-1].shown + piece.shown)
        else:
            merged.append(piece)
    return tuple(merged)


def join(first: Utterance, second: Utterance) -> Utterance:
    """Return two utterances of a party as one."""
    labels = first.labels + tuple(label for label in second.labels if label not in first.labels)
    return replace(first, pieces=_trimmed([*first.pieces, plain_piece(" "), *second.pieces]), labels=labels)


def breaks(utterance: Utterance, marks: str = ",.") -> list[tuple[int, int]]:
    """Return the places (piece, character) just after a mark followed by a blank, where a speaker may pause."""
    places = []
    for index, piece in enumerate(utterance.pieces):
        if not piece.slot:
            places += [(index, at + 1) for at, char in enumerate(piece.shown[:-2]) if char in marks]
    return places


def split(utterance: Utterance, place: tuple[int, int]) -> tuple[Utterance, Utterance]:
    """Cut an utterance in two at a place that `breaks` returned."""
    index, at = place
    text = utterance.pieces[index].shown
    head = (*utterance.pieces[:index], plain_piece(text[:at]))
    tail = (plain_piece(text[at:].lstrip()), *utterance.pieces[index + 1 :])
    return replace(utterance, pieces=_trimmed(list(head))), replace(utterance, pieces=tail)
