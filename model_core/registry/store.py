"""The model registry as the trainer, the workers and the web see it: runs, their metrics, checkpoints, aliases.

Torch-free. Each method is a transaction of its own; rows come back detached, to be read only. It knows nothing of
calls, people or organizations.
"""

import uuid
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

from sqlalchemy import Engine, delete, func, insert, select
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session, sessionmaker

from model_core.errors import RegistryBusyError, RegistryError
from model_core.registry.database import make_engine, migrate
from model_core.registry.tables import Alias, AliasChange, Base, Checkpoint, Dataset, Metric, Run, utc_now

STATES = ("queued", "running", "done", "stopped", "failed")
_ENDED = ("done", "stopped", "failed")

Row = TypeVar("Row", bound=Base)


@dataclass(frozen=True)
class RunRecord:
    """A run, the newest checkpoint that it made, and (step, value) of a metric as it stands."""

    run: Run
    checkpoint: Checkpoint | None
    newest: tuple[int, float] | None


@lru_cache(maxsize=8)
def open_registry(url: str) -> "Registry":
    """Return the registry at a database URL, its tables brought up to date; one object a process and URL.

    Raises: RegistryBusyError when the database does not answer.
    """
    engine = make_engine(url)
    try:
        migrate(engine)
    except OperationalError as error:
        raise RegistryBusyError(f"the registry's database does not answer: {error.orig}") from error
    return Registry(engine)


class Registry:
    """Runs, metrics, checkpoints and aliases in one database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._sessions = sessionmaker(engine, expire_on_commit=False)

    def use_dataset(self, run_id: uuid.UUID, *, name: str, path: str, sha256: str, examples: int) -> Dataset:
        """Record what a run learns from and return its row; the same data has one row, whatever runs use it.

        Raises: RegistryError when there is no such run.
        """
        with self._transaction() as session:
            run = _get(session, Run, run_id)
            query = select(Dataset).where(Dataset.sha256 == sha256, Dataset.name == name, Dataset.path == path)
            found = session.scalars(query).first()
            if found is None:
                found = _added(session, Dataset(name=name, path=path, sha256=sha256, examples=examples))
            run.dataset_id = found.id
            return found

    def run_dataset(self, run_id: uuid.UUID) -> Dataset | None:
        """Return what a run learned from, or None for simulated calls alone."""
        query = select(Dataset).join(Run, Run.dataset_id == Dataset.id).where(Run.id == run_id)
        with self._transaction() as session:
            return session.scalars(query).first()

    def lineage(self, checkpoint_id: uuid.UUID) -> list[Checkpoint]:
        """Return a checkpoint and those that it grew out of, the newest first.

        Raises: RegistryError when there is none of this id.
        """
        with self._transaction() as session:
            found = [_get(session, Checkpoint, checkpoint_id)]
            while found[-1].parent_id is not None:
                found.append(_get(session, Checkpoint, found[-1].parent_id))
            return found

    def create_run(self, recipe: str, config: Mapping[str, Any], *, run_id: uuid.UUID | None = None) -> Run:
        """Record a queued run and return its row; a run of this id that is there already gets the new configuration."""
        with self._transaction() as session:
            found = session.get(Run, run_id) if run_id is not None else None
            if found is None:
                return _added(session, Run(id=run_id or uuid.uuid4(), recipe=recipe, config=dict(config)))
            found.recipe, found.config = recipe, dict(config)
            return found

    def start_run(self, run_id: uuid.UUID, pid: int) -> Run:
        """Mark a run as running in process `pid`."""
        with self._transaction() as session:
            run = _get(session, Run, run_id)
            run.state, run.pid, run.error = "running", pid, ""
            run.started_at, run.finished_at = run.started_at or utc_now(), None
            return run

    def finish_run(self, run_id: uuid.UUID, state: str, error: str = "") -> Run:
        """Mark a run as ended.

        Raises: RegistryError when `state` is not done, stopped or failed.
        """
        if state not in _ENDED:
            raise RegistryError(f"a run cannot end in state {state!r}; it must be one of {', '.join(_ENDED)}")
        with self._transaction() as session:
            run = _get(session, Run, run_id)
            run.state, run.error, run.finished_at = state, error, utc_now()
            return run

    def get_run(self, run_id: uuid.UUID) -> Run:
        """Return a run.

        Raises: RegistryError when there is none of this id.
        """
        with self._transaction() as session:
            return _get(session, Run, run_id)

    def list_runs(self, limit: int = 50) -> list[Run]:
        """Return the newest runs, newest first."""
        with self._transaction() as session:
            return list(session.scalars(select(Run).order_by(Run.created_at.desc()).limit(limit)))

    def read_runs(self, run_ids: Collection[uuid.UUID], metric: str) -> dict[uuid.UUID, RunRecord]:
        """Return what is known of each of the runs that there are, read together, however many they are."""
        newest = (
            select(Metric.run_id, func.max(Metric.step).label("step"))
            .where(Metric.run_id.in_(run_ids), Metric.name == metric)
            .group_by(Metric.run_id)
            .subquery()
        )
        at_newest = (Metric.run_id == newest.c.run_id) & (Metric.step == newest.c.step) & (Metric.name == metric)
        values = select(Metric).join(newest, at_newest).order_by(Metric.id)
        made = select(Checkpoint).where(Checkpoint.run_id.in_(run_ids)).order_by(Checkpoint.created_at)
        with self._transaction() as session:
            figures = {row.run_id: (row.step, row.value) for row in session.scalars(values)}
            checkpoints = {row.run_id: row for row in session.scalars(made)}
            runs = session.scalars(select(Run).where(Run.id.in_(run_ids)))
            return {run.id: RunRecord(run, checkpoints.get(run.id), figures.get(run.id)) for run in runs}

    def log_metrics(self, run_id: uuid.UUID, step: int, metrics: Mapping[str, float]) -> None:
        """Record figures of a step."""
        rows = [{"run_id": run_id, "step": step, "name": name, "value": value} for name, value in metrics.items()]
        if rows:
            with self._transaction() as session:
                session.execute(insert(Metric), rows)

    def run_metrics(self, run_id: uuid.UUID, name: str, since_step: int = -1) -> list[tuple[int, float]]:
        """Return (step, value) of a metric in the order of steps, those after `since_step`; of a step the newest."""
        query = select(Metric.step, Metric.value).where(
            Metric.run_id == run_id, Metric.name == name, Metric.step > since_step
        )
        with self._transaction() as session:
            return sorted(dict(session.execute(query.order_by(Metric.id)).tuples().all()).items())

    def add_checkpoint(
        self,
        *,
        path: str,
        sha256: str,
        version: str,
        format_version: int,
        step: int,
        run_id: uuid.UUID | None = None,
        parent_id: uuid.UUID | None = None,
    ) -> Checkpoint:
        """Record a model folder that can be used.

        Raises: RegistryError when the version label is taken.
        """
        row = Checkpoint(
            path=path,
            sha256=sha256,
            version=version,
            format_version=format_version,
            step=step,
            run_id=run_id,
            parent_id=parent_id,
        )
        try:
            with self._transaction() as session:
                return _added(session, row)
        except IntegrityError as error:
            raise RegistryError(f"the version {version!r} cannot be recorded: {error.orig}") from error

    def get_checkpoint(self, checkpoint_id: uuid.UUID) -> Checkpoint:
        """Return a checkpoint.

        Raises: RegistryError when there is none of this id.
        """
        with self._transaction() as session:
            return _get(session, Checkpoint, checkpoint_id)

    def list_checkpoints(self, limit: int = 50) -> list[Checkpoint]:
        """Return the newest checkpoints, newest first."""
        with self._transaction() as session:
            return list(session.scalars(select(Checkpoint).order_by(Checkpoint.created_at.desc()).limit(limit)))

    def run_checkpoint(self, run_id: uuid.UUID) -> Checkpoint | None:
        """Return the newest checkpoint of a run, or None."""
        query = select(Checkpoint).where(Checkpoint.run_id == run_id).order_by(Checkpoint.created_at.desc())
        with self._transaction() as session:
            return session.scalars(query.limit(1)).first()

    def find_checkpoint(self, sha256: str) -> Checkpoint | None:
        """Return the newest checkpoint with this digest, or None."""
        query = select(Checkpoint).where(Checkpoint.sha256 == sha256).order_by(Checkpoint.created_at.desc())
        with self._transaction() as session:
            return session.scalars(query.limit(1)).first()

    def set_alias(self, name: str, checkpoint_id: uuid.UUID, *, by: str = "") -> None:
        """Let an alias mean a checkpoint from now on, and keep the move in its history.

        Raises: RegistryError when there is no such checkpoint.
        """
        with self._transaction() as session:
            _get(session, Checkpoint, checkpoint_id)
            session.merge(Alias(name=name, checkpoint_id=checkpoint_id, changed_at=utc_now()))
            session.add(AliasChange(name=name, checkpoint_id=checkpoint_id, by=by))

    def clear_alias(self, name: str) -> None:
        """Let an alias mean nothing from now on; its history stays."""
        with self._transaction() as session:
            session.execute(delete(Alias).where(Alias.name == name))

    def resolve_alias(self, name: str) -> Checkpoint | None:
        """Return the checkpoint that an alias means now, or None when it was never set."""
        query = select(Checkpoint).join(Alias, Alias.checkpoint_id == Checkpoint.id).where(Alias.name == name)
        with self._transaction() as session:
            return session.scalars(query).first()

    def alias_history(self, name: str) -> list[AliasChange]:
        """Return the moves of an alias, newest first."""
        query = select(AliasChange).where(AliasChange.name == name).order_by(AliasChange.id.desc())
        with self._transaction() as session:
            return list(session.scalars(query))

    @contextmanager
    def _transaction(self) -> Iterator[Session]:
        try:
            with self._sessions.begin() as session:
                yield session
        except OperationalError as error:
            raise RegistryBusyError(f"the registry's database does not answer: {error.orig}") from error


def _added(session: Session, row: Row) -> Row:
    session.add(row)
    session.flush()
    return row


def _get(session: Session, table: type[Row], row_id: uuid.UUID) -> Row:
    row = session.get(table, row_id)
    if row is None:
        raise RegistryError(f"the registry has no row {row_id} in {table.__tablename__}")
    return row
