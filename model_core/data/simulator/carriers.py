"""Carrier phrases: short spoken sentences made to hold values of every kind, for training the recognizer."""

import random
import re
from functools import cache
from typing import Final

from model_core.data.simulator.slots import SlotType, SlotValue, draw
from model_core.data.simulator.template import Template, parse, slots_in
from model_core.data.simulator.utterances import say
from model_core.data.simulator.wordlists import word_list

_TYPES: Final = {
    "phone": (SlotType("phone"),),
    "person": (SlotType("person"),),
    "address": (SlotType("address"),),
    "unit": (SlotType("unit"),),
    "date": tuple(SlotType("date", (when,)) for when in ("future", "past", "near", "future")),
    "time": tuple(SlotType("time", (part,)) for part in ("any", "biz", "evening")),
    "duration": (
        SlotType("duration", ("minutes", "1", "59")),
        SlotType("duration", ("hours", "1", "23")),
        SlotType("duration", ("days", "1", "31")),
        SlotType("duration", ("weeks", "1", "8")),
        SlotType("duration", ("months", "1", "36")),
        SlotType("duration", ("years", "1", "30")),
    ),
    "money": (
        SlotType("money", ("100", "9900", "100")),
        SlotType("money", ("10000", "99000", "500")),
        SlotType("money", ("100000", "990000", "10000")),
        SlotType("money", ("1000000", "99000000", "100000")),
        SlotType("money", ("12340", "9876540", "10")),
        SlotType("money", ("100000000", "2000000000", "10000000")),
    ),
    "percent": (SlotType("percent", ("1", "100")),),
    "digits": tuple(SlotType("digits", (str(length),)) for length in (3, 4, 6, 7)),
    "long_digits": tuple(SlotType("digits", (str(length),)) for length in (8, 10, 12, 16)),
    "carno": (SlotType("carno"),),
    "count": (
        *(
            SlotType("count", (unit, "1", "40", "native"))
            for unit in ("개", "명", "번", "대", "장", "병", "박스", "군데")
        ),
        *(
            SlotType("count", (unit, "10", "300", "sino"))
            for unit in ("명", "개", "회", "인분", "페이지", "미터", "대")
        ),
    ),
    "number": (SlotType("number", ("2", "120")), SlotType("number", ("100", "9999"))),
    "degrees": (SlotType("number", ("1", "180", "도")),),
}


@cache
def _phrases() -> tuple[Template, ...]:
    return tuple(parse(line)[0] for line in word_list("carriers"))


def carrier_phrase(rng: random.Random) -> str:
    """Draw a carrier phrase in spoken form."""
    template = rng.choice(_phrases())
    values = {name: _value(name, rng) for name in sorted(slots_in(template))}
    return "".join(piece.spoken for piece in say(template, values, rng, lambda value: value.spoken))


def _value(name: str, rng: random.Random) -> SlotValue:
    """Draw the value of a phrase's slot, whose name is a type with a number after it when it is the second one."""
    return draw(rng.choice(_TYPES[re.sub(r"\d+$", "", name)]), rng)
