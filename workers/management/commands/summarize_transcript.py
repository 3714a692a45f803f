"""Summarize a transcript or chat made elsewhere."""

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from apps.accounts.models import Organization
from apps.core.errors import YoyakError
from apps.transcripts.services import import_turns
from workers.management.commands.process_call import COMMAND_ORGANIZATION
from workers.management.printing import print_report
from workers.management.report import call_report, refusal_report
from workers.management.waiting import finished_job

MAX_MB = 64


class Command(BaseCommand):
    help = 'Summarize {"turns": [{"speaker": "...", "text": "..."}]} from a JSON file; waits for the result.'

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the file."""
        parser.add_argument("file", type=Path)
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument("--organization", default=COMMAND_ORGANIZATION)

    def handle(self, *_: Any, file: Path, **options: Any) -> None:
        """Import the turns, wait, print. Exit status 1 when there is no summary."""
        try:
            organization, _made = Organization.objects.get_or_create(name=options["organization"])
            call = import_turns(organization=organization, actor=None, title=file.stem, turns=_read(file).get("turns"))
            report = call_report(finished_job(call))
        except YoyakError as error:
            report = refusal_report(error)
        print_report(self.stdout, report, as_json=options["json"])
        if report["status"] != "done":
            sys.exit(1)


def _read(file: Path) -> dict[str, Any]:
    try:
        if file.stat().st_size > MAX_MB * 2**20:
            raise YoyakError("too_large", size_mb=round(file.stat().st_size / 2**20), limit_mb=MAX_MB)
        document = json.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise YoyakError("bad_transcript", detail=f"{type(error).__name__}: {error}") from error
    if not isinstance(document, dict):
        raise YoyakError("bad_transcript", detail="a JSON object with 'turns' is expected")
    return document
