"""A call's own text as something to copy from: where values, words and their stems begin and end, in bytes.

Made once a call. It knows text and spans, and nothing of tokens or of the lexicon's words.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from model_core.data.call import Line
from model_core.data.korean.repairs import taken_back
from model_core.inference.lexicon import MIN_STEM, TAILS

Span = tuple[int, int]
FindSpans = Callable[[str], Sequence[Span]]
# Longer words are no words; they would only lengthen the worst case of a text that has to end.
MAX_WORD_CHARS: Final = 16
_PUNCTUATION: Final = "".join((*TAILS, "!"))


@dataclass(frozen=True)
class Run:
    """Where a value may begin: the byte before which it stands, whether a blank has to be read first, and the byte
    offset it may not pass, which is always a place where it may end."""

    start: int
    blank: bool
    limit: int


class SourceLine:
    """One line of the call; `raw` begins with a blank, as in a prompt, and offsets count its bytes."""

    def __init__(self, line: Line, find_spans: FindSpans, dropped: frozenset[str], max_value_chars: int) -> None:
        self.text = " " + " ".join(line.text.split())
        self.raw = self.text.encode()
        self._spans = sorted((start, end) for start, end in find_spans(self.text))
        self._taken_back = taken_back(self.text, self._spans)
        self._dropped = dropped
        self._max_chars = max_value_chars
        self._bytes = [0]
        for char in self.text:
            self._bytes.append(self._bytes[-1] + len(char.encode()))
        self._char_ends = [end for end in range(2, len(self.text) + 1) if self._may_end(end)]
        self.ends = frozenset(self._bytes[end] for end in self._char_ends)

    def runs(self) -> Iterator[Run]:
        """Yield the places where a value may begin: words, and values that stand inside a word."""
        begins = [(at, False) for at in range(len(self.text)) if self.text[at] == " " and not self._inside(at + 1)]
        begins += [(start, True) for start, _ in self._spans if start > 0 and self.text[start - 1] != " "]
        for at, blank in begins:
            limit = None if self._was_taken_back(at + (not blank)) else self._limit(at)
            if limit is not None and self._has_sense(at):
                yield Run(self._bytes[at], blank, self._bytes[limit])

    def stems(self) -> Iterator[str]:
        """Yield what may be copied into a free text: words, and words less an ending, none with a value in it."""
        at = 1
        for word in self.text[1:].split(" "):
            bare = word.rstrip(_PUNCTUATION)
            if self._was_taken_back(at):
                at += len(word) + 1
                continue
            free = next((start - at for start, end in self._spans if start < at + len(bare) and end > at), None)
            yield from self._stems_of(bare, free)
            at += len(word) + 1

    def _stems_of(self, bare: str, free: int | None) -> Iterator[str]:
        """Yield the stems of a word of which only the first `free` characters (all, if None) hold no value."""
        if free is not None:
            bare = bare[: max(free, 0)]
        bare = bare[:MAX_WORD_CHARS]
        if bare and not any(char.isdigit() for char in bare):
            yield bare
            yield from (bare[:end] for end in range(MIN_STEM, len(bare)) if bare[end:] in self._dropped)

    def _was_taken_back(self, at: int) -> bool:
        return any(start <= at < end for start, end in self._taken_back)

    def _inside(self, at: int) -> bool:
        return any(start < at < end for start, end in self._spans)

    def _may_end(self, at: int) -> bool:
        """Whether a value may end before the character `at`.

        Not inside a figure, and not after the first syllable of a word unless that is all of it but an ending.
        """
        if self._inside(at) or self.text[at - 1] == " ":
            return False
        if any(end == at for _, end in self._spans):
            return True
        rest = self.text[at:].split(" ", 1)[0].rstrip(_PUNCTUATION)
        over = not any(char.isalnum() for char in rest) or rest in self._dropped
        return self.text[at - 1].isalnum() and (over or self.text[at - 2] != " ")

    def _limit(self, at: int) -> int | None:
        """Return the last end within reach of a run that begins at `at`; the first one beyond, if none is.

        No run goes on into what the speaker took back.
        """
        wall = min((start for start, _ in self._taken_back if start > at + 1), default=len(self.text))
        ends = [end for end in self._char_ends if at + 1 < end <= wall]
        near = [end for end in ends if end <= at + 1 + self._max_chars]
        return near[-1] if near else (ends[0] if ends else None)

    def _has_sense(self, at: int) -> bool:
        word = self.text[at:].split(" ", 2)
        return any(char.isalnum() for char in (word[1] if self.text[at] == " " else word[0]))
