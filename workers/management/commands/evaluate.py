"""Measure the models in use on the test split of the simulator: scripts and voices that no training has seen."""

import json
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from model_core.data.simulator.errors import DataError
from model_core.errors import ModelCoreError
from workers.model_choice import chosen_model

MODEL_CARD_CALLS = {"speech": 24, "summaries": 80}


class Command(BaseCommand):
    help = "Measure the speech model or the summarizer in use; without --calls, as their model cards do."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare what is measured and on how much."""
        parser.add_argument("what", choices=sorted(MODEL_CARD_CALLS))
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument("--calls", type=int, help="summaries: calls of each variant; speech: turns of each voice")

    def handle(self, *_: Any, what: str, **options: Any) -> None:
        """Measure and print."""
        count = MODEL_CARD_CALLS[what] if options["calls"] is None else options["calls"]
        if count < 1:
            raise CommandError(f"--calls is {count}; it must be at least 1")
        measure = _speech if what == "speech" else _summaries
        try:
            result, table = measure(count, self._progress)
        except (ModelCoreError, DataError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(json.dumps(result, ensure_ascii=False, indent=1) if options["json"] else table)

    def _progress(self, share: float) -> None:
        self.stderr.write(f"\r{100 * share:3.0f} %", ending="" if share < 1 else "\n")


def _speech(count: int, _: Callable[[float], None]) -> tuple[dict[str, Any], str]:
    from model_core.speech.evaluate import evaluate  # WhisperX: seconds to load

    model = settings.ENV.asr_model
    if not settings.ENV.allow_downloads and not (Path(model) / "model.bin").is_file():
        raise CommandError(f"there is no speech model at {model}")
    result = {"model": Path(model).name, "split": "test", **evaluate(model, count)}
    return result, "\n".join(_speech_table(result))


def _speech_table(result: dict[str, Any]) -> Iterator[str]:
    yield f"{result['model']}: {result['turns']} turns, {result['audio_s']:.0f} s of speech, real-time factor " + (
        f"{result['real_time_factor']:.3f}"
    )
    yield "\n| | character error rate |\n|---|---|"
    yield f"| all | {100 * result['cer']:.1f} % |"
    for part in ("cer_by_voice", "cer_by_line"):
        for name, rate in result[part].items():
            yield f"| {name} | {100 * rate:.1f} % |"


def _summaries(count: int, on_progress: Callable[[float], None]) -> tuple[dict[str, Any], str]:
    from model_core.evaluation.report import markdown  # torch: seconds to load
    from model_core.evaluation.suite import as_json, evaluate_summaries
    from model_core.inference.engine import SummaryGenerator

    if settings.ENV.llm_base_url:
        raise CommandError("the summarizer is a server (YOYAK_LLM_BASE_URL); only a model folder can be measured")
    model = chosen_model()
    results = evaluate_summaries(SummaryGenerator.load(Path(model.folder)), count, on_progress=on_progress)
    return {"model": model.version, "split": "test", "variants": as_json(results)}, markdown(results)
