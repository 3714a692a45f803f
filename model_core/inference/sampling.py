"""How the next token is taken from the logits of the allowed ones: the best without a repetition, and how sure it was.

It knows the logits of a choice, and nothing of the model or the text.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from model_core.inference.grammar import Choice

Logits = npt.NDArray[np.float32]
# Nobody says four tokens twice in one statement; a model that is at a loss does, without end.
REPEATABLE: Final = 3


def best(allowed: Logits, choice: Choice) -> tuple[int, float]:
    """Return the likeliest token of a choice and its log-probability among them, from their logits; ties go to the
    first."""
    position = int(allowed.argmax())
    if len(allowed) == 1:
        return int(choice.ids[position]), 0.0
    top = float(allowed[position])
    return int(choice.ids[position]), -float(np.log(np.exp(allowed - top, dtype=np.float64).sum()))


def unrepeated(choice: Choice, text: Sequence[int]) -> Choice:
    """Return the choice less what would end a second run of `REPEATABLE` + 1 tokens in `text`, if any is left."""
    tail = list(text[-REPEATABLE:])
    seen = {text[at + REPEATABLE] for at in range(len(text) - REPEATABLE) if list(text[at : at + REPEATABLE]) == tail}
    if not seen:
        return choice
    kept = choice.ids[~np.isin(choice.ids, list(seen))]
    return replace(choice, ids=kept) if kept.size else choice
