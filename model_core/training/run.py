"""A run from its configuration to its export: data, model, trainer and callbacks put together, and the registry told.

It knows where things lie (`out`, the tokenizer, the checkpoint to begin with); the trainer does not. Of several
processes all run it alike; the first one reports, and the checkpoints are written by all together.
"""

import json
import logging
import os
import signal
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import FrameType

import torch

from model_core.checkpoint.files import FORMAT_VERSION, MANIFEST, sha256_of, together, verify_folder
from model_core.checkpoint.pretrained import load_folder, read_config, save_model
from model_core.checkpoint.store import CheckpointStore, load_snapshot
from model_core.config.overrides import to_json
from model_core.config.schema import RunConfig
from model_core.data.batches import BatchStream
from model_core.data.tokenizer import END_OF_TEXT, FILE_NAME, SummaryTokenizer, load_tokenizer
from model_core.errors import CheckpointError, ConfigError
from model_core.lock import locked
from model_core.models.copying import wire_copying
from model_core.models.decoder import Decoder
from model_core.ops.memory import keep_freed_memory
from model_core.parallel.exchange import new_decoder
from model_core.parallel.team import Team, join, launched
from model_core.parallel.watch import watched
from model_core.registry.store import Registry
from model_core.training.callbacks import Checkpointer, Evaluator, LogSink, MetricsFile, MetricsSink, Monitor
from model_core.training.data import run_data
from model_core.training.engine import SpreadEngine
from model_core.training.trainer import Trainer

logger = logging.getLogger(__name__)

EXPORT = "export"


@dataclass(frozen=True)
class Registration:
    """The registry and the id of this run in it."""

    registry: Registry
    run_id: uuid.UUID

    def start(self, config: RunConfig) -> None:
        """Record the run as one that this process has begun."""
        self.registry.create_run(config.name, json.loads(to_json(config)), run_id=self.run_id)
        self.registry.start_run(self.run_id, os.getpid())

    def write(self, step: int, metrics: Mapping[str, float]) -> None:
        """Keep the metrics of a step."""
        self.registry.log_metrics(self.run_id, step, metrics)


def execute(
    config: RunConfig, *, resume: bool = False, approved: Path | None = None, registration: Registration | None = None
) -> Path:
    """Train as `config` says and return the folder of the exported model; the registry learns how it went.

    Side effects: writes under `config.out`; sets torch's thread count; SIGTERM ends the run after the step in
    progress, with a checkpoint and an export.

    Raises: ModelCoreError with what is wrong and the limit it passes; the run is then marked failed.
    """
    if registration is not None:
        registration.start(config)

    def fail(reason: str) -> None:
        if registration is not None:
            registration.registry.finish_run(registration.run_id, "failed", reason)

    try:
        with watched(config.parallel.lost_after_s, fail):
            team = join(config)
            with _held(Path(config.out), team):
                return _train(config, team, resume, approved, registration)
    except BaseException as error:
        fail(f"{type(error).__name__}: {error}")
        raise


@contextmanager
def _held(out: Path, team: Team) -> Iterator[None]:
    """Hold a run's folder for this run; rank 0 does it for all."""
    with ExitStack() as stack:
        together(team, out, lambda: stack.enter_context(locked(out)) if team.rank == 0 else None)
        yield


def _train(
    config: RunConfig, team: Team, resume: bool, approved: Path | None, registration: Registration | None
) -> Path:
    torch.set_num_threads(config.train.threads)
    keep_freed_memory()
    torch.manual_seed(config.train.seed + team.rank)
    out = Path(config.out)
    tokenizer_folder = Path(config.init or config.data.tokenizer)
    model = initial_model(config, load_tokenizer(tokenizer_folder), team)
    data = run_data(config, tokenizer_folder, approved)
    if registration is not None and data.origin is not None:
        registration.registry.use_dataset(registration.run_id, **asdict(data.origin))
    trainer = Trainer(config, model, SpreadEngine(config, model, team) if launched() else None)
    store = CheckpointStore(out / "checkpoints", config.train.keep_last, team)
    newest = store.newest() if resume else None
    if not resume and store.folders():
        raise ConfigError(f"{out} holds {store.folders()[-1].name} of another run; --resume goes on from it")
    if newest is not None:
        _check_tokenizer(newest, tokenizer_folder)
        trainer.restore(load_snapshot(newest, check=False))
        logger.info("going on from %s", newest)
    sinks = _sinks(config, trainer, registration) if team.rank == 0 else []
    evaluator = Evaluator(data.held_out, sinks, config.train.eval_every)
    checkpointer = Checkpointer(store, evaluator, config.train.checkpoint_every, tokenizer_folder)
    trainer.callbacks += [Monitor(sinks, config.train.log_every), evaluator, checkpointer]
    _stop_on_sigterm(trainer)
    start, ahead = trainer.progress.next_index, config.data.prefetch_steps
    with BatchStream(data.maker, start, ahead, team.rank, team.size) as batches:
        trainer.run(batches)
    folder = out / EXPORT
    weights = trainer.export_state()
    digest = save_model(folder, model.config, weights, dtype=torch.bfloat16, companions=tokenizer_folder, team=team)
    if registration is not None:
        _register_export(config, trainer, registration, folder, digest)
    logger.info("exported to %s", folder)
    return folder


def _sinks(config: RunConfig, trainer: Trainer, registration: Registration | None) -> list[MetricsSink]:
    file = MetricsFile(Path(config.out) / "metrics.jsonl", trainer.progress.step)
    return [file, LogSink(config.train.max_steps), *([registration] if registration else [])]


def _check_tokenizer(checkpoint: Path, folder: Path) -> None:
    """Check that a run goes on with the tokenizer that it began with."""
    before, now = (path / FILE_NAME for path in (checkpoint, folder))
    if sha256_of(before) != sha256_of(now):
        raise CheckpointError(f"{checkpoint} was trained with another tokenizer than that of {folder}")


def initial_model(config: RunConfig, tokenizer: SummaryTokenizer, team: Team) -> Decoder:
    """Return the model to begin with, of whose experts a rank makes or reads its own alone."""
    if tokenizer.vocab_size > config.model.vocab_size:
        raise ConfigError(
            f"the tokenizer has {tokenizer.vocab_size} tokens; model.vocab_size is {config.model.vocab_size}, too few"
        )
    end = tokenizer.token_id(END_OF_TEXT)
    model = new_decoder(replace(config.model, eos_token_id=end, pad_token_id=end), team)
    if not config.init:
        model.init_weights(config.train.seed)
        if config.train.wire_copying:
            wire_copying(model, config.train.seed)
        return model
    folder = Path(config.init)
    found, wanted = read_config(folder), model.config
    positions = min(found.max_positions, wanted.max_positions)
    same = replace(found, eos_token_id=end, pad_token_id=end, init_std=wanted.init_std, max_positions=positions)
    if same != wanted:
        raise ConfigError(f"the model of {folder} is {found}; the recipe {config.name} needs {wanted}")
    if (folder / MANIFEST).is_file():
        verify_folder(folder, team)
    load_folder(model, folder, check=False)
    return model


def _stop_on_sigterm(trainer: Trainer) -> None:
    def stop(number: int, frame: FrameType | None) -> None:
        trainer.stopping = True

    signal.signal(signal.SIGTERM, stop)


def _register_export(
    config: RunConfig, trainer: Trainer, registration: Registration, folder: Path, digest: str
) -> None:
    registry, run_id, step = registration.registry, registration.run_id, trainer.progress.step
    parent = registry.find_checkpoint(_digest(Path(config.init))) if config.init else None
    registry.add_checkpoint(
        path=str(folder.resolve()),
        sha256=digest,
        version=f"{config.name}-{run_id.hex[:8]}-{step}",
        format_version=FORMAT_VERSION,
        step=step,
        run_id=run_id,
        parent_id=parent.id if parent else None,
    )
    registry.finish_run(run_id, "stopped" if trainer.stopping else "done")


def _digest(folder: Path) -> str:
    manifest = folder / MANIFEST
    return sha256_of(manifest) if manifest.is_file() else ""
