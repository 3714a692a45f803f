"""What work costs: the seconds and tokens that stages kept, at the prices of the settings. All money is in won."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Count, F, FloatField, QuerySet, Sum
from django.db.models.functions import Coalesce

from apps.calls.models import Call
from apps.jobs.models import StageResult
from workers.contracts.stages import FIRST_TRANSCRIPT_STAGE

# Processor seconds of results made before they were counted are taken to be those on the clock.
_CPU_S = Coalesce(F("cpu_s"), F("elapsed_s"))
_SUMS = {"elapsed_s": "elapsed_s", "cpu_s": _CPU_S, "gpu_s": "gpu_s"}
_COUNTS = ("input_tokens", "output_tokens")
# Prefixed, because an annotation of a column's own name would hide the column from the next one.
TOTALS = {
    "total_runs": Count("pk"),
    **{f"total_{name}": Sum(what, default=0.0, output_field=FloatField()) for name, what in _SUMS.items()},
    **{f"total_{name}": Sum(name, default=0) for name in _COUNTS},
}


@dataclass(frozen=True)
class Work:
    """Work done: how many runs of stages, seconds on the clock, of processors and of GPUs, tokens of the model."""

    runs: int = 0
    elapsed_s: float = 0.0
    cpu_s: float = 0.0
    gpu_s: float = 0.0
    input_tokens: int = 0
    output_tokens: int = 0

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "Work":
        """Return the work in a row that was annotated with `TOTALS`."""
        return cls(**{name: row[f"total_{name}"] for name in cls.__dataclass_fields__})

    @property
    def own_krw(self) -> float:
        """Return what the seconds cost on our own machines."""
        env = settings.ENV
        return float((self.cpu_s * env.price_cpu_hour_krw + self.gpu_s * env.price_gpu_hour_krw) / 3600)

    @property
    def foreign_krw(self) -> float:
        """Return what the foreign API of the settings would ask for as many tokens."""
        env = settings.ENV
        asked = self.input_tokens * env.price_foreign_input_krw + self.output_tokens * env.price_foreign_output_krw
        return float(asked / 1_000_000)

    def __add__(self, other: "Work") -> "Work":
        return Work(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))

    def __mul__(self, share: float) -> "Work":
        """Return `share` times the work; what is counted in wholes is rounded."""
        return Work(
            runs=round(self.runs * share),
            elapsed_s=self.elapsed_s * share,
            cpu_s=self.cpu_s * share,
            gpu_s=self.gpu_s * share,
            input_tokens=round(self.input_tokens * share),
            output_tokens=round(self.output_tokens * share),
        )


def summary_work(call: Call, model_version: str, made_at: datetime) -> Work | None:
    """Return the work of the model on the summary of `call` that it made by `made_at`; None when nobody counted it."""
    results = StageResult.objects.filter(call=call, stage=FIRST_TRANSCRIPT_STAGE, engine_version=model_version)
    kept = results.filter(created_at__lte=made_at).order_by("-created_at").first()
    if kept is None:
        return None
    cpu_s = kept.elapsed_s if kept.cpu_s is None else kept.cpu_s
    return Work(1, kept.elapsed_s, cpu_s, kept.gpu_s or 0.0, kept.input_tokens, kept.output_tokens)


def work_by(results: QuerySet[StageResult], field: str) -> dict[str, Work]:
    """Return the work in `results` by the values of `field`, in one query."""
    rows = results.order_by().values(field).annotate(**TOTALS).order_by(field)
    return {row[field]: Work.of(row) for row in rows}
