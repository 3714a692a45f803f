"""What a recognizer makes of syllables: counted from its output, kept as JSON, drawn from to imitate it."""

import json
import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from model_core.data.korean.josa import is_syllable

# Measured rates are pulled towards the mean by this many occurrences, and may differ from it by this factor.
_PRIOR, _MOST = 30, 3.0


@dataclass(frozen=True)
class Confusions:
    """Counts of an aligned comparison of references and hypotheses; "" as a hypothesis means a lost syllable."""

    seen: dict[str, int] = field(default_factory=dict)
    heard_as: dict[str, dict[str, int]] = field(default_factory=dict)
    spaces: int = 0
    spaces_lost: int = 0
    spaces_added: int = 0

    @property
    def error_rate(self) -> float:
        """Share of the syllables that were replaced or lost."""
        return sum(sum(row.values()) for row in self.heard_as.values()) / max(1, sum(self.seen.values()))

    def weight(self, syllable: str) -> float:
        """Return how many times as often as the mean a syllable is misheard."""
        mean = self.error_rate
        errors, seen = sum(self.heard_as.get(syllable, {}).values()), self.seen.get(syllable, 0)
        rate = (errors + mean * _PRIOR) / (seen + _PRIOR)
        return min(_MOST, max(1 / _MOST, rate / mean)) if mean else 1.0

    def space_rates(self, level: float) -> tuple[float, float]:
        """Return how often blanks are lost and added at an error level, in the measured proportion."""
        scale = level / max(self.error_rate, 1e-6)
        syllables = max(1, sum(self.seen.values()))
        return min(0.5, scale * self.spaces_lost / max(1, self.spaces)), min(0.2, scale * self.spaces_added / syllables)

    def draw(self, syllable: str, rng: random.Random) -> str | None:
        """Draw what a misheard syllable becomes, None when too little was measured."""
        row = self.heard_as.get(syllable)
        if not row or rng.random() > sum(row.values()) / (sum(row.values()) + 3):
            return None
        return rng.choices(list(row), list(row.values()))[0]

    def save(self, path: Path) -> None:
        """Write the counts as JSON."""
        path.write_text(json.dumps(self.__dict__, ensure_ascii=False, sort_keys=True), encoding="utf-8")


def load_confusions(path: Path) -> Confusions:
    """Read counts that `Confusions.save` wrote."""
    return Confusions(**json.loads(path.read_text(encoding="utf-8")))


def measure(pairs: Iterable[tuple[str, str]]) -> Confusions:
    """Count what became of each syllable of the references in the hypotheses, punctuation aside."""
    seen: Counter[str] = Counter()
    heard_as: dict[str, Counter[str]] = {}
    spaces = Counter({"all": 0, "lost": 0, "added": 0})
    for reference, hypothesis in pairs:
        reference, hypothesis = _bare(reference), _bare(hypothesis)
        spaces["all"] += reference.count(" ")
        for said, heard in align(reference, hypothesis):
            if said == " ":
                spaces["lost"] += heard != " "
            elif heard == " ":
                spaces["added"] += said == ""
            if is_syllable(said):
                seen[said] += 1
                if heard != said:
                    heard_as.setdefault(said, Counter())[heard.strip()] += 1
    rows = {said: dict(row) for said, row in heard_as.items()}
    return Confusions(dict(seen), rows, spaces["all"], spaces["lost"], spaces["added"])


def _bare(text: str) -> str:
    return " ".join("".join(char for char in text if char not in ".,?!").split())


def align(reference: str, hypothesis: str) -> list[tuple[str, str]]:
    """Return the pairs of characters of a cheapest alignment (Levenshtein); "" stands for none.

    A blank is paired with a syllable only at a higher cost, so that blanks are lost or added rather than misheard.
    """
    rows, columns = len(reference) + 1, len(hypothesis) + 1
    cost = [[0.0] * columns for _ in range(rows)]
    for row in range(rows):
        for column in range(columns):
            if row == 0 or column == 0:
                cost[row][column] = float(row + column)
                continue
            cost[row][column] = min(
                cost[row - 1][column] + 1,
                cost[row][column - 1] + 1,
                cost[row - 1][column - 1] + _pair_cost(reference[row - 1], hypothesis[column - 1]),
            )
    return _walk_back(reference, hypothesis, cost)


def _pair_cost(said: str, heard: str) -> float:
    if said == heard:
        return 0.0
    return 2.5 if " " in (said, heard) else 1.0


def _walk_back(reference: str, hypothesis: str, cost: list[list[float]]) -> list[tuple[str, str]]:
    row, column = len(reference), len(hypothesis)
    pairs = []
    while row or column:
        said, heard = reference[row - 1 : row] if row else "", hypothesis[column - 1 : column] if column else ""
        if row and column and cost[row][column] == cost[row - 1][column - 1] + _pair_cost(said, heard):
            pairs.append((said, heard))
            row, column = row - 1, column - 1
        elif row and cost[row][column] == cost[row - 1][column] + 1:
            pairs.append((said, ""))
            row -= 1
        else:
            pairs.append(("", heard))
            column -= 1
    return pairs[::-1]
