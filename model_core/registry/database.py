"""The registry's database: an engine for SQLite or PostgreSQL, and the tables brought to the newest revision.

It knows how to connect and migrate and nothing of what is stored.
"""

from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, make_url, text

from model_core.registry.tables import SCHEMA

_BUSY_TIMEOUT_S = 30
_MIGRATION_LOCK = 20_417_731
VERSION_TABLE = "registry_version"


def make_engine(url: str) -> Engine:
    """Return an engine for a SQLAlchemy URL; ``postgres://`` and ``postgresql://`` mean psycopg."""
    target = make_url(url.replace("postgres://", "postgresql://", 1))
    if target.get_backend_name() == "postgresql":
        return create_engine(target.set(drivername="postgresql+psycopg"), pool_pre_ping=True)
    if target.database and target.database != ":memory:":
        Path(target.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(target, connect_args={"timeout": _BUSY_TIMEOUT_S})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_immediate)
    return engine.execution_options(schema_translate_map={SCHEMA: None})


def _prepare_sqlite(connection: Any, record: object) -> None:
    # The driver's own transactions would leave DDL outside and let two writers deadlock; ours begin IMMEDIATE.
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def migrate(engine: Engine) -> None:
    """Bring the tables to the newest revision; processes that do so at once wait for one another."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with engine.begin() as connection:
        schema = None
        if engine.dialect.name == "postgresql":
            schema = SCHEMA
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
            connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
        options = {"version_table": VERSION_TABLE, "version_table_schema": schema}
        context = MigrationContext.configure(connection, opts=options)
        if context.get_current_revision() == ScriptDirectory.from_config(config).get_current_head():
            return
        config.attributes.update(connection=connection, options=options)
        command.upgrade(config, "head")
