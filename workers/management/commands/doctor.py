"""Print what this installation has, what is missing and how to get it, in the active language."""

import json
import shutil
import sys
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from kombu import Connection

from apps.calls.exports.pdf import set_pages
from apps.core.errors import YoyakError
from apps.core.feedback import explain
from apps.jobs.selectors import live_queues
from config.celery import app
from workers.contracts.stages import STAGE_QUEUES
from workers.tasks.intake import watched_folder

MIN_FREE_GB = 2.0
PACKAGES = ("django", "celery", "sqlalchemy", "torch", "transformers", "whisperx", "ctranslate2", "langchain", "av")
LABELS: dict[str, str | Promise] = {
    "disk": gettext_lazy("디스크"),
    "database": gettext_lazy("데이터베이스"),
    "watched folder": gettext_lazy("지켜보는 폴더"),
    "broker": gettext_lazy("브로커"),
    "workers": gettext_lazy("작업자"),
    "speech model": gettext_lazy("음성 모델"),
    "summarizer": gettext_lazy("요약 모델"),
}
_COLUMN = 22


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `needed` ones make the command end with an error when they are missing."""

    what: str
    good: bool
    detail: str
    remedy: str = ""
    needed: bool = True

    @property
    def label(self) -> str:
        """What people call it; `what` is for programs."""
        return str(LABELS.get(self.what, self.what))


class Command(BaseCommand):
    help = "Print what is there, what is missing and how to get it. Ends with 1 when something needed is missing."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print a list of objects instead of lines")

    def handle(self, *_: Any, **options: Any) -> None:
        """Look at everything, print a line each."""
        findings = [finding for look in LOOKS for finding in look()]
        if options["json"]:
            report = [asdict(finding) | {"label": finding.label} for finding in findings]
            self.stdout.write(json.dumps(report, ensure_ascii=False, indent=2))
        else:
            self._print(findings)
        if any(finding.needed and not finding.good for finding in findings):
            sys.exit(1)

    def _print(self, findings: list[Finding]) -> None:
        for finding in findings:
            mark = "✓" if finding.good else ("✗" if finding.needed else "–")
            self.stdout.write(f" {mark} {_column(finding.label)} {finding.detail}")
            if not finding.good and finding.remedy:
                self.stdout.write(f"   {_column('')} → {finding.remedy}")


def _column(text: str) -> str:
    """Return `text` filled up to the width of the column; a terminal gives Hangul two places."""
    places = sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
    return text + " " * (_COLUMN - places)


def _python() -> Iterator[Finding]:
    good = sys.version_info[:2] == (3, 11)
    yield Finding("Python", good, sys.version.split()[0], _("Python 3.11을 설치하세요"))


def _packages() -> Iterator[Finding]:
    for name in PACKAGES:
        try:
            yield Finding(name, True, version(name))
        except PackageNotFoundError:
            yield Finding(name, False, _("설치되지 않음"), "pip install -r requirements.txt")
    yield Finding("deepspeed", find_spec("deepspeed") is not None, _("분산 학습"), needed=False)


def _programs() -> Iterator[Finding]:
    for program, use in (("espeak-ng", _("시험용 통화를 소리로 만듦")), ("chromium", _("브라우저 시험"))):
        found = shutil.which(program)
        missing = _("없음: %(use)s") % {"use": use}
        yield Finding(program, bool(found), found or missing, f"apt-get install {program}", needed=False)


def _pdf() -> Iterator[Finding]:
    try:
        set_pages("<p>가")
    except YoyakError as error:
        packages = str(error.values.get("packages", ""))
        remedy = f"apt-get install {packages}" if packages else ""
        yield Finding("PDF", False, explain(error), remedy, needed=False)
    else:
        yield Finding("PDF", True, _("Pango와 한글 글꼴"))


def _watch() -> Iterator[Finding]:
    if settings.ENV.watch_folder:
        watched = watched_folder()
        wrong = watched if isinstance(watched, str) else ""
        yield Finding("watched folder", not wrong, wrong or settings.ENV.watch_folder, _("docs/operations.md를 보세요"))


def _disk() -> Iterator[Finding]:
    free_gb = shutil.disk_usage(settings.DATA_DIR).free / 1e9
    detail = _("%(folder)s에 %(free)s GB 남음") % {"folder": settings.DATA_DIR, "free": f"{free_gb:.1f}"}
    remedy = _("%(gb)s GB 이상 비우거나 YOYAK_DATA_DIR을 바꾸세요") % {"gb": f"{MIN_FREE_GB:.0f}"}
    yield Finding("disk", free_gb >= MIN_FREE_GB, detail, remedy)


def _database() -> Iterator[Finding]:
    try:
        plan = MigrationExecutor(connection).migration_plan(MigrationExecutor(connection).loader.graph.leaf_nodes())
    except Exception as error:
        yield Finding("database", False, f"{connection.vendor}: {error}", _("DATABASE_URL을 확인하세요"))
        return
    waiting = ngettext("적용할 마이그레이션 %(n)s개", "적용할 마이그레이션 %(n)s개", len(plan)) % {"n": len(plan)}
    detail = f"{connection.vendor}, {waiting if plan else _('최신')}"
    yield Finding("database", not plan, detail, _("python manage.py migrate (make run이 대신 합니다)"))


def _broker() -> Iterator[Finding]:
    url = settings.ENV.broker_url or "filesystem"
    try:
        with Connection(app.conf.broker_url, transport_options=app.conf.broker_transport_options) as broker:
            broker.ensure_connection(max_retries=1, timeout=3)
        yield Finding("broker", True, url.split("@")[-1])
    except Exception as error:
        yield Finding("broker", False, f"{url.split('@')[-1]}: {error}", _("BROKER_URL을 확인하세요"))
    live = live_queues() if connection.introspection.table_names() else set()
    idle = sorted(set(STAGE_QUEUES.values()) - live)
    detail = _("작업자가 없는 대기열: %(queues)s") % {"queues": ", ".join(idle)} if idle else _("모든 대기열에 있음")
    yield Finding("workers", not idle, detail, "make run", needed=False)


def _models() -> Iterator[Finding]:
    for what, folder, file, variable in (
        ("speech model", settings.ENV.asr_model, "model.bin", "YOYAK_ASR_MODEL"),
        ("summarizer", settings.ENV.llm_model, "model.safetensors", "YOYAK_LLM_MODEL"),
    ):
        there = (Path(folder) / file).is_file()
        remote = settings.ENV.allow_downloads if what == "speech model" else bool(settings.ENV.llm_base_url)
        remedy = _("git checkout pretrained, 또는 %(variable)s에 %(file)s 파일이 든 폴더를 적으세요")
        yield Finding(what, there or remote, folder, remedy % {"variable": variable, "file": file})


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
