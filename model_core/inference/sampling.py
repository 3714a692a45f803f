"""How the next token is taken from the logits of the allowed ones: the best of them, and how sure that was.

It knows a row of logits and a choice, and nothing of the model or the text.
"""

import numpy as np
import numpy.typing as npt

from model_core.inference.grammar import Choice

Logits = npt.NDArray[np.float32]


def best(logits_V: Logits, choice: Choice) -> tuple[int, float]:
    """Return the likeliest allowed token and its log-probability among the allowed; ties go to the first."""
    allowed = logits_V[choice.ids]
    position = int(allowed.argmax())
    if len(allowed) == 1:
        return int(choice.ids[position]), 0.0
    top = float(allowed[position])
    return int(choice.ids[position]), -float(np.log(np.exp(allowed - top, dtype=np.float64).sum()))
