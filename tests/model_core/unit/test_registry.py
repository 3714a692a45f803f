"""The registry: what is written is read back, aliases move and keep their history, and no torch comes in."""

import subprocess
import sys
import uuid
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path

import pytest
from sqlalchemy import inspect

from model_core.errors import RegistryError
from model_core.registry.database import make_engine, migrate
from model_core.registry.store import Registry, open_registry
from model_core.registry.tables import SCHEMA, Base, utc_now
from tests.services import fresh_postgres


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.services)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'deep' / 'registry.db'}"
        return
    with fresh_postgres() as database:
        yield database


@pytest.fixture
def registry(url: str) -> Registry:
    return open_registry(url)


def add_checkpoint(registry: Registry, version: str, **more: uuid.UUID | None) -> uuid.UUID:
    return registry.add_checkpoint(
        path=f"runs/{version}", sha256="0" * 64, version=version, format_version=1, step=5, **more
    ).id


def test_moments_come_back_with_their_zone(registry: Registry) -> None:
    add_checkpoint(registry, "one")
    (checkpoint,) = registry.list_checkpoints()
    assert checkpoint.created_at.tzinfo is not None
    assert timedelta(0) <= utc_now() - checkpoint.created_at < timedelta(minutes=5)


def test_a_run_goes_through_its_states(registry: Registry) -> None:
    run_id = uuid.uuid4()
    registry.create_run("tiny_test", {"a": 1}, run_id=run_id)
    assert registry.get_run(run_id).state == "queued"
    assert registry.start_run(run_id, pid=77).pid == 77
    finished = registry.finish_run(run_id, "failed", "the disk is full")
    assert (finished.state, finished.error) == ("failed", "the disk is full")
    assert finished.finished_at is not None and finished.started_at is not None
    assert [run.id for run in registry.list_runs()] == [run_id]
    assert registry.create_run("tiny_test", {"a": 2}, run_id=run_id).config == {"a": 2}
    assert len(registry.list_runs()) == 1


def test_an_unknown_run_or_state_is_an_error(registry: Registry) -> None:
    missing = uuid.uuid4()
    with pytest.raises(RegistryError, match=str(missing)):
        registry.start_run(missing, pid=1)
    with pytest.raises(RegistryError, match="'asleep'"):
        registry.finish_run(missing, "asleep")


def test_metrics_come_back_in_order_the_newest_of_a_step(registry: Registry) -> None:
    run_id = registry.create_run("tiny_test", {}).id
    for step, loss in ((2, 1.5), (1, 2.0), (2, 1.25), (3, 1.0)):
        registry.log_metrics(run_id, step, {"loss": loss, "lr": 0.1})
    assert registry.run_metrics(run_id, "loss") == [(1, 2.0), (2, 1.25), (3, 1.0)]
    assert registry.run_metrics(run_id, "loss", since_step=2) == [(3, 1.0)]


def test_an_alias_moves_and_remembers(registry: Registry) -> None:
    assert registry.resolve_alias("production") is None
    first = add_checkpoint(registry, "v1")
    second = add_checkpoint(registry, "v2", parent_id=first)
    for checkpoint, who in ((first, "a"), (second, "b"), (first, "c")):
        registry.set_alias("production", checkpoint, by=who)
    now = registry.resolve_alias("production")
    assert now is not None and now.version == "v1"
    assert [change.by for change in registry.alias_history("production")] == ["c", "b", "a"]
    with pytest.raises(RegistryError, match="checkpoints"):
        registry.set_alias("production", uuid.uuid4())


def test_data_has_one_row_whatever_runs_use_it(registry: Registry) -> None:
    runs = [registry.create_run("tiny_test", {}).id for _ in range(3)]
    for run_id in runs[:2]:
        registry.use_dataset(run_id, name="approved", path="pairs.jsonl", sha256="a" * 64, examples=7)
    first, second = (registry.run_dataset(run_id) for run_id in runs[:2])
    assert first is not None and second is not None and first.id == second.id and first.examples == 7
    assert registry.run_dataset(runs[2]) is None
    with pytest.raises(RegistryError, match="runs"):
        registry.use_dataset(uuid.uuid4(), name="approved", path="", sha256="b" * 64, examples=1)


def test_a_checkpoint_tells_what_it_grew_out_of(registry: Registry) -> None:
    first = add_checkpoint(registry, "v1")
    second = add_checkpoint(registry, "v2", parent_id=first)
    third = add_checkpoint(registry, "v3", parent_id=second)
    assert [checkpoint.version for checkpoint in registry.lineage(third)] == ["v3", "v2", "v1"]
    assert [checkpoint.version for checkpoint in registry.lineage(first)] == ["v1"]
    with pytest.raises(RegistryError, match="checkpoints"):
        registry.lineage(uuid.uuid4())


def test_a_version_is_given_once(registry: Registry) -> None:
    add_checkpoint(registry, "v1")
    with pytest.raises(RegistryError, match="'v1'"):
        add_checkpoint(registry, "v1")


def test_the_migrations_make_the_tables_of_the_models(url: str) -> None:
    engine = make_engine(url)
    migrate(engine)
    found, schema = inspect(engine), SCHEMA if engine.dialect.name == "postgresql" else None
    for table in Base.metadata.tables.values():
        columns = {(column["name"], column["nullable"]) for column in found.get_columns(table.name, schema)}
        assert columns == {(column.name, bool(column.nullable)) for column in table.columns}
        indexes = {index["name"] for index in found.get_indexes(table.name, schema)}
        assert {index.name for index in table.indexes} <= indexes


def _open_and_log(url: str) -> int:
    registry = open_registry(url)
    run_id = registry.create_run("tiny_test", {}).id
    for step in range(20):
        registry.log_metrics(run_id, step, {"loss": float(step)})
    return len(registry.run_metrics(run_id, "loss"))


def test_processes_open_and_write_at_once(url: str) -> None:
    with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as pool:
        assert list(pool.map(_open_and_log, [url] * 4)) == [20] * 4
    assert len(open_registry(url).list_runs()) == 4


def test_registry_and_config_bring_no_torch() -> None:
    script = (
        "import sys, model_core.registry.store, model_core.config.recipes, model_core.config.parameters, "
        "model_core.config.overrides; "
        "sys.exit(', '.join(name for name in ('torch', 'transformers', 'deepspeed') if name in sys.modules) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
