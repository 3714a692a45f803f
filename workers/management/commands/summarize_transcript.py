"""Summarize a transcript or chat made elsewhere."""

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.accounts.models import Organization
from apps.core.errors import YoyakError
from apps.jobs.reasons import describe
from apps.jobs.services import request_processing
from apps.transcripts.services import import_turns
from workers.management.commands.process_call import COMMAND_ORGANIZATION
from workers.management.printing import print_call
from workers.management.report import call_report
from workers.management.waiting import wait_for


class Command(BaseCommand):
    help = 'Summarize {"turns": [{"speaker": "...", "text": "..."}]} from a JSON file; waits for the result.'

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the file."""
        parser.add_argument("file", type=Path)
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument("--organization", default=COMMAND_ORGANIZATION)

    def handle(self, *_: Any, file: Path, **options: Any) -> None:
        """Import the turns, wait, print. Exit status 1 when there is no summary."""
        organization, _made = Organization.objects.get_or_create(name=options["organization"])
        try:
            call = import_turns(organization=organization, actor=None, title=file.stem, turns=_read(file).get("turns"))
        except YoyakError as error:
            raise CommandError(describe(error.code, error.values)) from error
        (job,) = wait_for([request_processing(call=call, actor=None).pk])
        report = call_report(job)
        if options["json"]:
            self.stdout.write(json.dumps(report, ensure_ascii=False, indent=2))
        else:
            print_call(self.stdout, report)
        if job.state != job.State.DONE:
            sys.exit(1)


def _read(file: Path) -> dict[str, Any]:
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CommandError(f"{file}: {error}") from error
    if not isinstance(document, dict):
        raise CommandError(f"{file}: a JSON object with 'turns' is expected")
    return document
