"""The row of stages that each document goes through on its own, and the count of what each did.

A stage takes a text and gives it back changed, or a reason to drop it; the reasons of the whole refinery are here.
Duplicates are found afterwards, over all documents (see `run`). Knows no files and no processes.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from model_core.data.refinery.boilerplate import strip_boilerplate
from model_core.data.refinery.decontaminate import EvaluationIndex
from model_core.data.refinery.documents import Document
from model_core.data.refinery.language import identify
from model_core.data.refinery.normalize import normalize
from model_core.data.refinery.personal import scrub, without_numbers
from model_core.data.refinery.quality import quality_reason
from model_core.data.refinery.settings import RefinerySettings

REASONS: Final = {
    "oversized": "longer than a document may be",
    "not_utf8": "no UTF-8",
    "malformed": "no JSON object with a text or the lines of a call",
    "empty": "nothing left after normalizing",
    "boilerplate": "nothing but boilerplate lines",
    "language": "not Korean, or too little of it",
    "too_short": "too few letters",
    "too_long": "too many characters",
    "broken_encoding": "replacement characters from a wrong decoding",
    "jamo_laughs": "mostly loose jamo (ㅋㅋ, ㅠㅠ)",
    "digits": "mostly digits",
    "symbols": "too many symbols",
    "character_run": "one character over and over",
    "word_length": "words too long or too short on average",
    "repeated_lines": "the same lines again and again",
    "repeated_words": "the same words again and again",
    "no_function_words": "no particles and no sentence endings",
    "evaluation": "overlaps with evaluation texts",
    "exact_duplicate": "the same letters as an earlier document",
    "near_duplicate": "nearly the same as an earlier document",
}


@dataclass(frozen=True)
class Refined:
    """What became of a document: its text (None when dropped, then `reason` says why) and what was changed in it.

    Keys of `changes` are "stage.kind", as in "personal.phone".
    """

    text: str | None
    reason: str | None
    language: str
    changes: Counter[str]


def refine(document: Document, settings: RefinerySettings, evaluation: EvaluationIndex | None = None) -> Refined:
    """Return a document's text as it may be trained on, or the reason why it may not."""
    text, changed = normalize(document.text)
    changes = Counter({f"normalize.{kind}": count for kind, count in changed.items()})
    if not text:
        return Refined(None, "empty", "und", changes)
    text, removed = strip_boilerplate(text)
    changes += Counter({"boilerplate.lines": removed})
    if not text:
        return Refined(None, "boilerplate", "und", changes)
    language = identify(text)
    if language.code != "ko" or language.korean < settings.min_korean:
        # A text without letters has no language; that it is short says more.
        reason = "too_short" if language.korean == 0.0 and language.code == "und" else "language"
        return Refined(None, reason, language.code, changes)
    reason_or_none = quality_reason(text, settings.quality)
    if reason_or_none:
        return Refined(None, reason_or_none, language.code, changes)
    text, scrubbed = scrub(text, document.people)
    changes += Counter({f"personal.{kind}": count for kind, count in scrubbed.items()})
    if evaluation is not None and evaluation.contaminated(without_numbers(text)):
        return Refined(None, "evaluation", language.code, changes)
    return Refined(text, None, language.code, changes)


def evaluation_index(documents: Iterable[Document], settings: RefinerySettings) -> EvaluationIndex:
    """Return the index of evaluation texts, in the spelling and with the placeholders that training texts get."""
    scrubbed = (scrub(normalize(document.text)[0], document.people)[0] for document in documents)
    return EvaluationIndex(map(without_numbers, scrubbed), settings.contamination)
