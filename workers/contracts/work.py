"""What a stage is given and what a stage is: the border between the pipeline and its stages."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from workers.contracts.errors import StageCancelled
from workers.contracts.template import ChosenTemplate

Payload = dict[str, Any]


@dataclass(frozen=True)
class Spent:
    """What a run of a stage took, in seconds: on the clock, of processors with children, of a GPU held."""

    elapsed_s: float
    cpu_s: float
    gpu_s: float


@dataclass(frozen=True)
class StageContext:
    """The call at hand: its id, its folder for files, the kept results of earlier stages, and how to report.

    `report` takes the progress of the stage (0 to 1) and returns False when the job is no longer ours. `template` is
    what the organization asks of the summary, None when it asks nothing; `model` what somebody chose to summarize with
    (see `workers.model_choice`).
    """

    call_id: UUID
    organization_id: UUID
    folder: Path
    results: Mapping[str, Payload]
    report: Callable[[float | None], bool]
    template: ChosenTemplate | None = None
    model: str = ""

    def check_in(self, progress: float | None = None) -> None:
        """Report progress.

        Raises:
            StageCancelled: the job was cancelled or taken over.
        """
        if not self.report(progress):
            raise StageCancelled


@dataclass(frozen=True)
class Stage:
    """One step of the pipeline.

    `engine_version` names what does the work, `inputs` returns what the result depends on; a kept result with the same
    of both is used instead of running again. `run` returns the payload that is kept; `on_gpu` tells whether that
    holds a GPU.
    """

    name: str
    engine_version: Callable[[StageContext], str]
    inputs: Callable[[StageContext], object]
    run: Callable[[StageContext], Payload]
    on_gpu: Callable[[], bool] = lambda: False


def input_hash(inputs: object) -> str:
    """Return the SHA-256 of `inputs` as canonical JSON."""
    text = json.dumps(inputs, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()
