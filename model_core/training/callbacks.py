"""What happens around training: scores on held-out rows, checkpoints, and reports to a file, a log and the registry.

Each callback does one thing and knows the trainer only through its public face; the trainer knows none of them.
"""

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from model_core.checkpoint.store import CheckpointStore
from model_core.data.packing import PackedBatch
from model_core.data.refinery.shards import write_atomically

if TYPE_CHECKING:
    from model_core.training.trainer import Trainer

logger = logging.getLogger(__name__)

Metrics = Mapping[str, float]


class Callback:
    """Something that happens when training starts, after each step, and when training ends."""

    def on_start(self, trainer: "Trainer") -> None:
        """Act before the first step."""

    def on_step(self, trainer: "Trainer", metrics: Metrics) -> None:
        """Act after a step; `trainer.progress.step` counts it already."""

    def on_finish(self, trainer: "Trainer") -> None:
        """Act after the last step, also when training was asked to stop."""


class MetricsSink(Protocol):
    """Where metrics go."""

    def write(self, step: int, metrics: Metrics) -> None:
        """Keep the metrics of a step."""


class MetricsFile:
    """A JSON-lines file of metrics. Steps after the one a run goes on from, and cut lines, go when it is opened."""

    def __init__(self, path: Path, resumed_step: int) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = path.read_text(errors="replace").splitlines() if path.is_file() else []
        kept = [row for row in rows if (step := _step_of(row)) is not None and step <= resumed_step]
        write_atomically(path, "".join(f"{row}\n" for row in kept).encode())

    def write(self, step: int, metrics: Metrics) -> None:
        """Append the metrics of a step."""
        with self._path.open("a") as stream:
            stream.write(json.dumps({"step": step, **metrics}) + "\n")


def _step_of(row: str) -> int | None:
    """Return the step of a line of metrics; None of one that a kill has cut."""
    try:
        return int(json.loads(row)["step"])
    except (ValueError, KeyError, TypeError):
        return None


class LogSink:
    """Metrics as log lines for a person to follow."""

    def __init__(self, max_steps: int) -> None:
        self._max_steps = max_steps

    def write(self, step: int, metrics: Metrics) -> None:
        """Log the metrics of a step, experts' loads aside."""
        shown = " ".join(f"{name}={value:.4g}" for name, value in metrics.items() if "." not in name)
        logger.info("step %d/%d %s", step, self._max_steps, shown)


class Monitor(Callback):
    """Hand the metrics of every `every`th step to the sinks."""

    def __init__(self, sinks: list[MetricsSink], every: int) -> None:
        self._sinks = sinks
        self._every = every

    def on_step(self, trainer: "Trainer", metrics: Metrics) -> None:
        """Report this step when its turn has come."""
        step = trainer.progress.step
        if step % self._every == 0 or step == trainer.config.train.max_steps:
            for sink in self._sinks:
                sink.write(step, metrics)


class Evaluator(Callback):
    """Measure the loss on held-out rows every `every` steps and at the end."""

    def __init__(self, batches: list[PackedBatch], sinks: list[MetricsSink], every: int) -> None:
        self._batches = batches
        self._sinks = sinks
        self._every = every
        self._losses: dict[int, float] = {}

    def on_step(self, trainer: "Trainer", metrics: Metrics) -> None:
        """Measure when the turn has come."""
        step = trainer.progress.step
        if step % self._every == 0 or step == trainer.config.train.max_steps:
            with trainer.averaged():
                loss = trainer.held_out_loss(self._batches)
            self._losses = {step: loss}
            for sink in self._sinks:
                sink.write(step, {f"eval_{trainer.loss_name}": loss})

    def loss_at(self, step: int) -> float | None:
        """Return the loss after a step when that was the last one to be measured, else None."""
        return self._losses.get(step)


class Checkpointer(Callback):
    """Save a checkpoint every `every` steps and at the end, with the tokenizer's files of `companions`."""

    def __init__(self, store: CheckpointStore, evaluator: Evaluator, every: int, companions: Path | None) -> None:
        self._store = store
        self._evaluator = evaluator
        self._every = every
        self._companions = companions
        self._last_step = -1

    def on_step(self, trainer: "Trainer", metrics: Metrics) -> None:
        """Save when the turn has come."""
        if trainer.progress.step % self._every == 0:
            self._save(trainer)

    def on_finish(self, trainer: "Trainer") -> None:
        """Save the last step unless it was saved already."""
        if trainer.progress.step != self._last_step:
            self._save(trainer)

    def _save(self, trainer: "Trainer") -> None:
        step = trainer.progress.step
        snapshot = trainer.snapshot(self._evaluator.loss_at(step))
        self._store.save(snapshot, trainer.model.config, self._companions)
        self._last_step = step
