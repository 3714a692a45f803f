"""The words a summary may use that the call itself does not hold, and how words of the call may change their endings.

Learned from the references of training scripts: a word counts when several scripts use it, so that nothing of a single
story can be written from habit. Figures never enter. It is saved beside the checkpoint. It knows no tokens.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Final

from model_core.data.call import VALUE_CLOSE, VALUE_OPEN, Line, SimulatedCall, Summary
from model_core.data.corpus import texts_of
from model_core.data.korean.word_lists import word_list
from model_core.inference.errors import InferenceError

FILE_NAME: Final = "lexicon.json"
# Endings are few and go with any word, so they must be commoner than words.
MIN_WORD_SCRIPTS: Final = 2
MIN_ENDING_SCRIPTS: Final = 3
# A single syllable fits too many words to say that one was copied from the call.
MIN_STEM: Final = 2
# Words of a title that no call has to say: 문의, 확인, 일정.
TITLE_KINDS: Final = word_list("title_kinds")
# Marks that may follow any word of a summary.
TAILS: Final = (",", ".", "?")
HasValue = Callable[[str], bool]


@dataclass(frozen=True)
class Lexicon:
    """What a summary may say beyond the call's own words.

    `words` stand alone and `stems` take an ending; `titles` are words that only titles may use. The `added` endings
    follow a stem, a value, or a word of the call once one of the `dropped` endings (or nothing) is cut off it. `roles`
    are who may be named as the one to act.
    """

    words: tuple[str, ...]
    stems: tuple[str, ...]
    added: tuple[str, ...]
    dropped: tuple[str, ...]
    roles: tuple[str, ...]
    titles: tuple[str, ...] = ()

    def for_titles(self) -> "Lexicon":
        """Return the lexicon of titles: beyond the call's own words only those that claim nothing about it."""
        return replace(self, words=tuple(sorted(TITLE_KINDS)), stems=())

    def save(self, folder: Path) -> None:
        """Write the lexicon into a model folder."""
        text = json.dumps(asdict(self), ensure_ascii=False, indent=0, sort_keys=True)
        (folder / FILE_NAME).write_text(text + "\n", encoding="utf-8")


def load_lexicon(folder: Path) -> Lexicon:
    """Return the lexicon of a model folder.

    Raises: InferenceError when there is none or it is of another form.
    """
    path = folder / FILE_NAME
    try:
        loaded = json.loads(path.read_text(encoding="utf-8"))
        return Lexicon(**{field.name: tuple(str(word) for word in loaded[field.name]) for field in fields(Lexicon)})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InferenceError(f"{path} is no lexicon: {error}") from error


def build_lexicon(calls: Iterable[SimulatedCall], has_value: HasValue) -> Lexicon:
    """Learn the lexicon of training references.

    Args:
        calls: each of one script; a script should come often, in its several wordings.
        has_value: tells whether a text holds a figure, date, time, amount or phone number.
    """
    counter = _Counter(has_value)
    for call in calls:
        counter.read(call.scripts[0], call.lines, call.summary)
    return counter.lexicon()


class _Counter:
    """In which scripts each word and ending was seen."""

    def __init__(self, has_value: HasValue) -> None:
        self._has_value = has_value
        self._words: dict[str, set[str]] = defaultdict(set)
        self._titles: dict[str, set[str]] = defaultdict(set)
        self._added: dict[str, set[str]] = defaultdict(set)
        self._dropped: dict[str, set[str]] = defaultdict(set)
        self._roles: dict[str, set[str]] = defaultdict(set)

    def read(self, script: str, lines: tuple[Line, ...], summary: Summary) -> None:
        heads = _heads(word for line in lines for word in line.text.split())
        titles = {summary.title, *(topic.title for topic in summary.topics)}
        for text in texts_of(summary):
            self._read_text(script, text, heads, self._titles if text in titles else self._words)
        for action in summary.actions:
            if not any(action.who in line.text for line in lines):
                self._roles[action.who].add(script)

    def _read_text(self, script: str, text: str, heads: dict[str, str], words: dict[str, set[str]]) -> None:
        for piece in _words(text):
            _, mark, after = piece.rpartition(VALUE_CLOSE)
            if mark:
                self._added[after].add(script)
                continue
            if piece not in heads:
                words[piece].add(script)
            stem = next((piece[:end] for end in range(len(piece), MIN_STEM - 1, -1) if piece[:end] in heads), "")
            if stem:
                self._added[piece[len(stem) :]].add(script)
                self._dropped[heads[stem]].add(script)

    def lexicon(self) -> Lexicon:
        words = self._common(self._words, MIN_WORD_SCRIPTS)
        added = self._common(self._added, MIN_ENDING_SCRIPTS)
        dropped = self._common(self._dropped, MIN_ENDING_SCRIPTS)
        roles = self._common(self._roles, MIN_ENDING_SCRIPTS)
        titles = self._common(self._titles, MIN_WORD_SCRIPTS)
        return Lexicon(words, _stems(words, added), added, dropped, roles, titles)

    def _common(self, seen: dict[str, set[str]], least: int) -> tuple[str, ...]:
        kept = (text for text, scripts in seen.items() if text and len(scripts) >= least)
        return tuple(sorted(text for text in kept if not self._has_value(text)))


def _stems(words: tuple[str, ...], added: tuple[str, ...]) -> tuple[str, ...]:
    """Return the beginnings of words that are words themselves or were seen with two endings."""
    endings: dict[str, set[str]] = defaultdict(set)
    allowed = {"", *added}
    for word in words:
        for end in range(MIN_STEM, len(word) + 1):
            if word[end:] in allowed:
                endings[word[:end]].add(word[end:])
    return tuple(sorted(stem for stem, seen in endings.items() if "" in seen or len(seen) > 1))


def _words(text: str) -> Iterator[str]:
    """Yield the words of a text, without the marks that may follow any; a value and its ending are one word."""
    inside = False
    kept: list[str] = []
    for piece in text.split():
        kept.append(piece)
        inside = piece.rfind(VALUE_OPEN) > piece.rfind(VALUE_CLOSE) or (inside and VALUE_CLOSE not in piece)
        if not inside:
            yield " ".join(kept).rstrip("".join(TAILS))
            kept = []


def _heads(words: Iterable[str]) -> dict[str, str]:
    """Return every beginning of the words, each with the shortest rest that follows it."""
    heads: dict[str, str] = {}
    for word in words:
        bare = word.rstrip("".join((*TAILS, "!")))
        for end in range(1, len(bare) + 1):
            rest = bare[end:]
            if bare[:end] not in heads or len(rest) < len(heads[bare[:end]]):
                heads[bare[:end]] = rest
    return heads
