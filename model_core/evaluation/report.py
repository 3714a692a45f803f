"""Results as text: the table of a model card. It knows measures, and nothing of how they came about."""

from typing import Final

from model_core.evaluation.statistics import Measure
from model_core.evaluation.suite import Results

LABELS: Final = {
    "fact_recall": "required facts in the summary",
    "unsupported_values": "shown values without support",
    "parse_rate": "summaries that parse",
    "evidence_precision": "cited lines that the reference cites",
    "actions_found": "actions of the reference found (a line in common)",
    "actions_right": "actions that the reference has",
    "whose_right": "of these, whose they are",
    "whens_found": "times of the reference's actions found",
    "whens_right": "times of actions that the reference has",
    "rouge_l": "ROUGE-L (syllables)",
    "length": "characters, of the reference's",
    "category": "category",
    "outcome": "outcome",
    "sentiment": "sentiment",
}


def markdown(results: Results) -> str:
    """Return the results as Markdown tables, one a variant: a row a measure, a column a system."""
    return "\n".join(line for variant, systems in results.items() for line in _table(variant, systems))


def _table(variant: str, systems: dict[str, dict[str, Measure]]) -> list[str]:
    seconds = systems["model"]["seconds_per_call"]
    rows = [
        f"| {label} | " + " | ".join(_cell(measured.get(name)) for measured in systems.values()) + " |"
        for name, label in LABELS.items()
    ]
    return [
        f"### {variant}",
        "",
        f"{seconds.count:.0f} calls, {seconds.value:.2f} s a call in batches.",
        "",
        "| | " + " | ".join(systems) + " |",
        "|---|" + "---|" * len(systems),
        *rows,
        "",
    ]


def _cell(measure: Measure | None) -> str:
    """A share in percent with its 95 % interval; a dash where a system has no such measure."""
    if measure is None:
        return "-"
    return f"{100 * measure.value:.1f} % ({100 * measure.low:.1f} to {100 * measure.high:.1f})"
