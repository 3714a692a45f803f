"""The tables of the model registry: data sets, runs, metrics, checkpoints, aliases and their history.

On PostgreSQL they live in a schema of their own, ``ml``; SQLite has no schemas and the name is translated away. They
know no torch and nothing of the web's tables: the two sides share UUIDs only.
"""

import datetime
import uuid
from typing import Any

from sqlalchemy import (
    JSON,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

SCHEMA = "ml"


def utc_now() -> datetime.datetime:
    """Return the present moment, in UTC."""
    return datetime.datetime.now(datetime.UTC)


class Moment(TypeDecorator[datetime.datetime]):
    """A moment in UTC. SQLite keeps it without its zone, which is put back."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_result_value(self, value: datetime.datetime | None, dialect: Dialect) -> datetime.datetime | None:
        """Return a value of the database with its zone."""
        return value.replace(tzinfo=datetime.UTC) if value is not None and value.tzinfo is None else value


class Base(DeclarativeBase):
    metadata = MetaData(schema=SCHEMA)
    type_annotation_map = {dict[str, Any]: JSON, datetime.datetime: Moment}


class Dataset(Base):
    """Training data that a run used: where it lies, how many examples, and its digest."""

    __tablename__ = "datasets"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    name: Mapped[str] = mapped_column(String(200))
    path: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(String(64))
    examples: Mapped[int]
    created_at: Mapped[datetime.datetime] = mapped_column(default=utc_now)


class Run(Base):
    """A training run; `state` is queued, running, done, stopped or failed, and `error` says why it failed."""

    __tablename__ = "runs"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    recipe: Mapped[str] = mapped_column(String(100))
    config: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(String(20), default="queued", index=True)
    dataset_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey(f"{SCHEMA}.datasets.id"))
    pid: Mapped[int | None]
    error: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime.datetime] = mapped_column(default=utc_now)
    started_at: Mapped[datetime.datetime | None]
    finished_at: Mapped[datetime.datetime | None]


class Metric(Base):
    """A figure of a step of a run."""

    __tablename__ = "metrics"
    __table_args__ = (Index("metrics_run_name_step", "run_id", "name", "step"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    run_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(f"{SCHEMA}.runs.id", ondelete="CASCADE"))
    step: Mapped[int]
    name: Mapped[str] = mapped_column(String(100))
    value: Mapped[float]
    created_at: Mapped[datetime.datetime] = mapped_column(default=utc_now)


class Checkpoint(Base):
    """A model folder that can be used; `parent_id` is the checkpoint that its run began with."""

    __tablename__ = "checkpoints"
    __table_args__ = (UniqueConstraint("version", name="checkpoints_version"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    run_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey(f"{SCHEMA}.runs.id"))
    parent_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey(f"{SCHEMA}.checkpoints.id"))
    version: Mapped[str] = mapped_column(String(100))
    path: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(String(64))
    format_version: Mapped[int]
    step: Mapped[int]
    created_at: Mapped[datetime.datetime] = mapped_column(default=utc_now)


class Alias(Base):
    """A name, such as ``production`` or ``candidate``, and the checkpoint that it means now."""

    __tablename__ = "aliases"

    name: Mapped[str] = mapped_column(String(50), primary_key=True)
    checkpoint_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(f"{SCHEMA}.checkpoints.id"))
    changed_at: Mapped[datetime.datetime] = mapped_column(default=utc_now)


class AliasChange(Base):
    """A move of an alias, kept for good; `by` names who asked for it."""

    __tablename__ = "alias_changes"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    name: Mapped[str] = mapped_column(String(50), index=True)
    checkpoint_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(f"{SCHEMA}.checkpoints.id"))
    by: Mapped[str] = mapped_column(String(200))
    changed_at: Mapped[datetime.datetime] = mapped_column(default=utc_now)
