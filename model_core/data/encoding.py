"""Examples as tokens, by a tokenizer that is loaded where it is needed: a worker process gets its folder's name."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from model_core.data.examples import SummaryExample
from model_core.data.summary_format import encode_example
from model_core.data.tokenizer import SummaryTokenizer, load_tokenizer, structure_tokens


class ExampleEncoder:
    """Encode examples with the tokenizer of a folder; a pickled encoder carries the folder and a number alone.

    `reading_weight` weighs the loss of the tokens that only read on in a quoted clause: the grammar foretells most of
    them, so what a model has to learn are the others.
    """

    def __init__(self, folder: Path, reading_weight: float = 1.0) -> None:
        self._folder, self._reading_weight = folder, reading_weight

    def __reduce__(self) -> tuple[type["ExampleEncoder"], tuple[Path, float]]:
        return ExampleEncoder, (self._folder, self._reading_weight)

    @cached_property
    def tokenizer(self) -> SummaryTokenizer:
        """The tokenizer of the folder."""
        return load_tokenizer(self._folder)

    def __call__(self, example: SummaryExample) -> tuple[list[int], list[int], list[float]]:
        """Return (prompt_ids, target_ids, the weights of the target's losses).

        Raises: FormatError when the example does not fit the format.
        """
        prompt, target = encode_example(self.tokenizer, example.lines, example.summary)
        return prompt, target, self._weights(target)

    @cached_property
    def _choices(self) -> frozenset[int]:
        """The tokens that are always a choice: structure, value marks, and the comma that joins clauses."""
        return frozenset([*map(self.tokenizer.token_id, structure_tokens()), *self.tokenizer.encode_text(",")])

    def _weights(self, target: Sequence[int]) -> list[float]:
        quoting, after_choice, weights = False, True, []
        opening = {self.tokenizer.structure_id(name) for name in ("evidence_end", "what")}
        free = {self.tokenizer.structure_id(name) for name in ("title", "topic", "who", "when")}
        for token in target:
            reads_on = quoting and not after_choice and token not in self._choices
            weights.append(self._reading_weight if reads_on else 1.0)
            quoting = token in opening or (quoting and token not in free)
            after_choice = token in self._choices
        return weights
