"""Every limit of the refinery in one frozen place, with where it comes from. It knows no text."""

from dataclasses import asdict, dataclass, field
from typing import Any

from model_core.errors import ConfigError


@dataclass(frozen=True)
class QualityLimits:
    """What a text must hold to; shares are of characters unless said otherwise.

    Source: the Gopher rules (Rae et al. 2021, appendix A1.1) and those of C4 (Raffel et al. 2020, section 2.2).
    Words become eojeol (2 to 4 syllables on average against five letters), and the share of repeated lines counts
    characters only, since half the lines of a good call are 네.
    """

    min_letters: int = 10
    max_characters: int = 100_000
    min_mean_word: float = 1.2
    max_mean_word: float = 12.0
    max_symbol_share: float = 0.10
    max_jamo_share: float = 0.30
    max_digit_share: float = 0.50
    max_broken_share: float = 0.005
    max_character_run: int = 12
    max_repeated_line_share: float = 0.20
    # Gopher, table A1: the most frequent 2-, 3- and 4-gram of words, by the characters it covers.
    max_top_ngram_share: tuple[tuple[int, float], ...] = ((2, 0.20), (3, 0.18), (4, 0.16))
    # Gopher, table A1: all repeated 5- to 10-grams; one size stands for the row of them.
    repeated_ngram: int = 5
    max_repeated_ngram_share: float = 0.15
    # Rules on words need words: below this many they say nothing about a line of a conversation.
    min_words_for_shares: int = 20
    min_function_words: int = 2


@dataclass(frozen=True)
class DuplicateLimits:
    """Near duplicates: shingles of syllables without blanks, and the Jaccard similarity that counts as the same.

    Source: Lee et al. 2022 (Deduplicating Training Data Makes Language Models Better) for MinHash at 0.8; five
    syllables are about the two words that a Korean bigram shingle would hold.
    """

    shingle: int = 5
    permutations: int = 128
    threshold: float = 0.8


@dataclass(frozen=True)
class ContaminationLimits:
    """Overlap with evaluation texts, in syllables without blanks.

    Source: Brown et al. 2020, appendix C: 13 words, at least 8 for short items; an eojeol is about three syllables,
    so 13 words of English carry what some 24 syllables do. A shared greeting is no leak: half an item, or half of a
    text, has to be found.
    """

    window: int = 24
    min_window: int = 8
    max_item_share: float = 0.5
    max_text_share: float = 0.5


@dataclass(frozen=True)
class RefinerySettings:
    """What a run does. `shard_documents` documents are one unit of work, of output and of resuming."""

    min_korean: float = 0.5
    shard_documents: int = 2_000
    max_document_bytes: int = 1_000_000
    quality: QualityLimits = field(default_factory=QualityLimits)
    duplicates: DuplicateLimits = field(default_factory=DuplicateLimits)
    contamination: ContaminationLimits = field(default_factory=ContaminationLimits)

    def __post_init__(self) -> None:
        """Raises: ConfigError when a limit cannot work."""
        for name in ("shard_documents", "max_document_bytes"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)}; at least 1 is needed")
        for name, value in (("min_korean", self.min_korean), ("threshold", self.duplicates.threshold)):
            if not 0 < value <= 1:
                raise ConfigError(f"{name} is {value}; it has to be above 0 and at most 1")

    def as_dict(self) -> dict[str, Any]:
        """Return the settings as plain values, for a manifest."""
        return asdict(self)
