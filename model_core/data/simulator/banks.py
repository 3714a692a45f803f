"""The library of call scripts and the banks of openings and closings, read from `scripts/*.call`.

Loads only scripts that keep every rule of the script language, says in the log which it leaves out.
"""

import logging
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from model_core.data.simulator.check import check_file
from model_core.data.simulator.errors import DataError
from model_core.data.simulator.script import Bank, Script, ScriptFile, parse_file
from model_core.data.simulator.template import Slot, Template, parse, walk

SCRIPTS_FOLDER: Final = Path(__file__).parent / "scripts"
_log = logging.getLogger(__name__)

Exchange = list[tuple[str, Template]]

_LINKS: Final = {
    "formal": (
        "B: [아|아 참|저기] 그리고 [하나 더|한 가지 더] [여쭤볼게요|물어보려고요]. / A: 네, [말씀하세요|어떤 건가요]?",
        "B: 그리고요, [다른 것도|또] [여쭤볼 게|궁금한 게] 있어요. / A: 네 [고객님|], 말씀해 주세요.",
        "A: [혹시|] 다른 [문의|용건]도 있으세요? / B: 네, [하나 더 있어요|이것도 좀 봐 주세요].",
    ),
    "polite": (
        "B: 아 그리고 [하나 더|또] [말씀드릴 게|얘기할 게] 있는데요. / A: 네, [뭔데요|말씀하세요].",
        "B: [아 참|그건 그렇고], 다른 얘긴데요. / A: 네네, [말씀하세요|어떤 거요]?",
    ),
    "familiar": (
        "B: 아 [맞다|참], 그리고 [하나 더|딴 얘긴데]. / A: 어, [뭔데|말해 봐]?",
        "B: [그건 그렇고|근데] 있잖아. / A: 응, [왜|뭐]?",
    ),
}


@dataclass(frozen=True, eq=False)
class Library:
    """The scripts that may be expanded, and the banks by kind of call."""

    scripts: tuple[Script, ...]
    banks: tuple[Bank, ...]

    def bank(self, script: Script) -> Bank:
        """Return the bank for a script's kind and style.

        Raises:
            DataError: when there is none.
        """
        for style in (script.style, None):
            for bank in self.banks:
                if bank.kind == script.kind and bank.style == style:
                    return bank
        raise DataError(f"{script.id}: no bank of kind {script.kind} and style {script.style}")


def load_library(paths: Sequence[Path] | None = None) -> Library:
    """Read call scripts and banks from files, the simulator's own when None; read once for the same paths."""
    return _load(tuple(paths) if paths is not None else tuple(sorted(SCRIPTS_FOLDER.glob("*.call"))))


@cache
def _load(paths: tuple[Path, ...]) -> Library:
    files = [parse_file(path) for path in paths]
    scripts = tuple(script for file in files for script in _valid(file))
    return Library(scripts, tuple(bank for file in files for bank in file.banks if bank.opens and bank.closes))


def _valid(file: ScriptFile) -> list[Script]:
    errors = check_file(file)
    kept = []
    ends = [script.line for script in file.scripts[1:]] + [10**9]
    for script, end in zip(file.scripts, ends, strict=True):
        broken = [error for error in errors if script.line <= error.line < end]
        if broken:
            _log.warning("%s is left out: %s", script.id, broken[0])
        else:
            kept.append(script)
    return kept


def opening(bank: Bank, rng: random.Random, *, without_caller: bool) -> Exchange:
    """Draw an opening; `without_caller` prefers those in which the caller gives no name."""
    anonymous = [turns for turns in bank.opens if not any(_names_caller(text) for _, text in turns)]
    return rng.choice(anonymous if without_caller and anonymous else bank.opens)


def closing(bank: Bank, rng: random.Random) -> Exchange:
    """Draw a closing."""
    return rng.choice(
        [turns for turns in bank.closes if not any(_names_caller(text) for _, text in turns)] or bank.closes
    )


def link(style: str, rng: random.Random) -> Exchange:
    """Draw the turns that lead from a call's first topic to its second."""
    parts = [part.partition(": ") for part in rng.choice(_LINKS[style]).split(" / ")]
    return [(party, parse(text)[0]) for party, _, text in parts]


def _names_caller(template: Template) -> bool:
    return any(isinstance(node, Slot) and node.name == "caller" for node in walk(template))
