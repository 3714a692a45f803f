"""The summary suite: calls of scripts no model was trained on, as written, as spoken, as a recognizer hears them.

Measures a generator and the baselines on the same calls. It knows how calls are made and what is measured, and not
where results go.
"""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from model_core.data.call import SimulatedCall, Summary
from model_core.data.simulator.expand import CallSimulator
from model_core.data.simulator.noise import corrupt_call
from model_core.errors import ModelCoreError
from model_core.evaluation import metrics
from model_core.evaluation.baselines import BASELINES
from model_core.evaluation.statistics import Measure, ratio
from model_core.inference.engine import GeneratedSummary, SummaryGenerator

SEED: Final = 41
BATCH: Final = 8
Results = dict[str, dict[str, dict[str, Measure]]]


@dataclass(frozen=True)
class Variant:
    """How a call reaches the summarizer: the share of calls with values as a careful writer types them, and the share
    of syllables a recognizer gets wrong."""

    name: str
    written_p: float
    noise: float


VARIANTS: Final = (
    Variant("written", 1.0, 0.0),
    Variant("spoken", 0.0, 0.0),
    Variant("recognizer 5 %", 0.0, 0.05),
    Variant("recognizer 10 %", 0.0, 0.10),
)


def calls_of(variant: Variant, count: int, *, split: str = "test", seed: int = SEED) -> list[SimulatedCall]:
    """Return `count` calls of a split, the same for the same arguments."""
    simulator = CallSimulator(split, seed, written_p=variant.written_p)
    calls = [simulator.call(index) for index in range(count)]
    if variant.noise == 0.0:
        return calls
    rng = random.Random(f"{variant.name}/{seed}")
    return [corrupt_call(call, rng, variant.noise) for call in calls]


def evaluate_summaries(
    generator: SummaryGenerator,
    count: int,
    *,
    variants: Sequence[Variant] = VARIANTS,
    split: str = "test",
    on_progress: Callable[[float], None] | None = None,
) -> Results:
    """Return the measures by variant and system ("model" and each baseline), on `count` calls a variant."""
    results: Results = {}
    for number, variant in enumerate(variants):
        calls = calls_of(variant, count, split=split)
        began = time.perf_counter()
        generated = []
        for start in range(0, count, BATCH):
            generated += _generate(generator, calls[start : start + BATCH])
            if on_progress is not None:
                on_progress((number + min(1.0, (start + BATCH) / count)) / len(variants))
        seconds = time.perf_counter() - began
        model = _model_measures(calls, generated)
        model["seconds_per_call"] = Measure(seconds / count, seconds / count, seconds / count, count)
        results[variant.name] = {"model": model, **_baseline_measures(calls, generated)}
    return results


def as_json(results: Results) -> dict[str, Any]:
    """Return the results as plain dictionaries."""
    return {
        variant: {system: {name: asdict(value) for name, value in measured.items()} for system, measured in row.items()}
        for variant, row in results.items()
    }


def _generate(generator: SummaryGenerator, calls: Sequence[SimulatedCall]) -> list[GeneratedSummary | None]:
    """Return a summary for each call, None where the model gives none."""
    try:
        return list(generator.generate([call.lines for call in calls]))
    except ModelCoreError:
        if len(calls) == 1:
            return [None]
        return [result for call in calls for result in _generate(generator, [call])]


def _model_measures(calls: Sequence[SimulatedCall], generated: Sequence[GeneratedSummary | None]) -> dict[str, Measure]:
    pairs = [(call, result.summary) for call, result in zip(calls, generated, strict=True) if result is not None]
    measured = {
        "parse_rate": ratio((result is not None, 1) for result in generated),
        "fact_recall": ratio(metrics.fact_recall(call.facts, metrics.whole_text(made)) for call, made in pairs),
        "unsupported_values": ratio(metrics.unsupported_values(made, call.lines) for call, made in pairs),
        "rouge_l": ratio((metrics.rouge_l(metrics.body(call.summary), metrics.body(made)), 1) for call, made in pairs),
        "length": ratio((len(metrics.body(made)), len(metrics.body(call.summary))) for call, made in pairs),
        "evidence_precision": ratio(metrics.evidence_precision(made, call.summary) for call, made in pairs),
        **{
            name: ratio(count(made, call.summary) for call, made in pairs) for name, count in metrics.OF_ACTIONS.items()
        },
        **{name: ratio(_same_code(name, pairs)) for name in ("category", "outcome", "sentiment")},
    }
    return {name: value for name, value in measured.items() if value is not None}


def _same_code(name: str, pairs: Sequence[tuple[SimulatedCall, Summary]]) -> Iterator[metrics.Count]:
    return ((getattr(call.summary, name) == getattr(made, name), 1) for call, made in pairs)


def _baseline_measures(
    calls: Sequence[SimulatedCall], generated: Sequence[GeneratedSummary | None]
) -> dict[str, dict[str, Measure]]:
    """Return what each baseline reaches with as many characters as the model took."""
    measured = {}
    summaries = [
        call.summary if result is None else result.summary for call, result in zip(calls, generated, strict=True)
    ]
    for name, write in BASELINES.items():
        texts = [write(call.lines, len(metrics.body(made))) for call, made in zip(calls, summaries, strict=True)]
        found = {
            "fact_recall": ratio(
                metrics.fact_recall(call.facts, text) for call, text in zip(calls, texts, strict=True)
            ),
            "rouge_l": ratio(
                (metrics.rouge_l(metrics.body(call.summary), text), 1) for call, text in zip(calls, texts, strict=True)
            ),
        }
        measured[name] = {key: value for key, value in found.items() if value is not None}
    return measured
