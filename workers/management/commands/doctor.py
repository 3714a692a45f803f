"""Print what this installation has, what is missing and how to get it."""

import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from kombu import Connection

from apps.calls.exports.pdf import set_pages
from apps.core.errors import YoyakError
from apps.jobs.selectors import live_queues
from config.celery import app
from workers.contracts.stages import STAGE_QUEUES
from workers.tasks.intake import watched_folder

MIN_FREE_GB = 2.0
PACKAGES = ("django", "celery", "sqlalchemy", "torch", "transformers", "whisperx", "ctranslate2", "langchain", "av")


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `needed` ones make the command end with an error when they are missing."""

    what: str
    good: bool
    detail: str
    remedy: str = ""
    needed: bool = True


class Command(BaseCommand):
    help = "Print what is there, what is missing and how to get it. Ends with 1 when something needed is missing."
    requires_system_checks: list[str] = []

    def handle(self, *_: Any, **__: Any) -> None:
        """Look at everything, print a line each."""
        findings = [finding for look in LOOKS for finding in look()]
        for finding in findings:
            mark = "✓" if finding.good else ("✗" if finding.needed else "–")
            self.stdout.write(f" {mark} {finding.what:<22} {finding.detail}")
            if not finding.good and finding.remedy:
                self.stdout.write(f"   {'':<22} → {finding.remedy}")
        if any(finding.needed and not finding.good for finding in findings):
            sys.exit(1)


def _python() -> Iterator[Finding]:
    good = sys.version_info[:2] == (3, 11)
    yield Finding("Python", good, sys.version.split()[0], "install Python 3.11")


def _packages() -> Iterator[Finding]:
    for name in PACKAGES:
        try:
            yield Finding(name, True, version(name))
        except PackageNotFoundError:
            yield Finding(name, False, "not installed", "pip install -r requirements.txt")
    yield Finding("deepspeed", find_spec("deepspeed") is not None, "distributed training", needed=False)


def _programs() -> Iterator[Finding]:
    for program, use in (("espeak-ng", "speaks simulated calls"), ("chromium", "browser tests")):
        found = shutil.which(program)
        yield Finding(program, bool(found), found or f"missing; {use}", f"apt-get install {program}", needed=False)


def _pdf() -> Iterator[Finding]:
    try:
        set_pages("<p>가")
    except YoyakError as error:
        packages = str(error.values.get("packages", ""))
        remedy = f"apt-get install {packages}" if packages else ""
        yield Finding("PDF", False, f"cannot be made: {error.code}", remedy, needed=False)
    else:
        yield Finding("PDF", True, "Pango and a Korean font")


def _watch() -> Iterator[Finding]:
    if settings.ENV.watch_folder:
        watched = watched_folder()
        wrong = watched if isinstance(watched, str) else ""
        yield Finding("watched folder", not wrong, wrong or settings.ENV.watch_folder, "see docs/operations.md")


def _disk() -> Iterator[Finding]:
    free_gb = shutil.disk_usage(settings.DATA_DIR).free / 1e9
    remedy = f"free at least {MIN_FREE_GB} GB or set YOYAK_DATA_DIR"
    yield Finding("disk", free_gb >= MIN_FREE_GB, f"{free_gb:.1f} GB free at {settings.DATA_DIR}", remedy)


def _database() -> Iterator[Finding]:
    try:
        plan = MigrationExecutor(connection).migration_plan(MigrationExecutor(connection).loader.graph.leaf_nodes())
    except Exception as error:
        yield Finding("database", False, f"{connection.vendor}: {error}", "check DATABASE_URL")
        return
    detail = f"{connection.vendor}" + (f", {len(plan)} migrations to apply" if plan else ", up to date")
    yield Finding("database", not plan, detail, "python manage.py migrate (make run does it)")


def _broker() -> Iterator[Finding]:
    url = settings.ENV.broker_url or "filesystem"
    try:
        with Connection(app.conf.broker_url, transport_options=app.conf.broker_transport_options) as broker:
            broker.ensure_connection(max_retries=1, timeout=3)
        yield Finding("broker", True, url.split("@")[-1])
    except Exception as error:
        yield Finding("broker", False, f"{url.split('@')[-1]}: {error}", "check BROKER_URL")
    live = live_queues() if connection.introspection.table_names() else set()
    idle = sorted(set(STAGE_QUEUES.values()) - live)
    yield Finding("workers", not idle, "all queues" if not idle else f"none for {', '.join(idle)}", "make run", False)


def _models() -> Iterator[Finding]:
    for what, folder, file, variable in (
        ("speech model", settings.ENV.asr_model, "model.bin", "YOYAK_ASR_MODEL"),
        ("summarizer", settings.ENV.llm_model, "model.safetensors", "YOYAK_LLM_MODEL"),
    ):
        there = (Path(folder) / file).is_file()
        remote = settings.ENV.allow_downloads if what == "speech model" else bool(settings.ENV.llm_base_url)
        remedy = f"git checkout pretrained, or set {variable} to a folder that holds {file}"
        yield Finding(what, there or remote, folder, remedy)


LOOKS: tuple[Callable[[], Iterator[Finding]], ...] = (
    _python,
    _packages,
    _programs,
    _pdf,
    _disk,
    _database,
    _watch,
    _broker,
    _models,
)
