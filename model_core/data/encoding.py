"""Examples as tokens, by a tokenizer that is loaded where it is needed: a worker process gets its folder's name."""

from functools import cached_property
from pathlib import Path

from model_core.data.examples import SummaryExample
from model_core.data.summary_format import encode_example
from model_core.data.tokenizer import SummaryTokenizer, load_tokenizer


class ExampleEncoder:
    """Encode examples with the tokenizer of a folder; a pickled encoder carries the folder alone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __reduce__(self) -> tuple[type["ExampleEncoder"], tuple[Path]]:
        return ExampleEncoder, (self._folder,)

    @cached_property
    def tokenizer(self) -> SummaryTokenizer:
        """The tokenizer of the folder."""
        return load_tokenizer(self._folder)

    def __call__(self, example: SummaryExample) -> tuple[list[int], list[int]]:
        """Return (prompt_ids, target_ids).

        Raises: FormatError when the example does not fit the format.
        """
        return encode_example(self.tokenizer, example.lines, example.summary)
