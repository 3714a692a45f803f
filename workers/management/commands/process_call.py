"""Take in one recording and print what the pipeline made of it."""

import json
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.accounts.models import Organization
from apps.calls.models import Call
from apps.calls.services import DuplicateRecording, add_recording
from apps.core.errors import YoyakError
from apps.jobs.reasons import describe
from apps.jobs.services import request_processing
from workers.management.printing import print_call
from workers.management.report import call_report
from workers.management.waiting import wait_for

COMMAND_ORGANIZATION = "명령줄"


class Command(BaseCommand):
    help = "Transcribe and summarize one recording; waits for the result."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the file, and codec and rate for files without a header."""
        parser.add_argument("file", type=Path)
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument("--codec", default="", choices=["", "mulaw", "alaw", "pcm_s16le"])
        parser.add_argument("--rate", type=int, help="sample rate in Hz of a headerless file")
        parser.add_argument("--organization", default=COMMAND_ORGANIZATION)

    def handle(self, *_: Any, file: Path, **options: Any) -> None:
        """Add the recording, wait, print. Exit status 1 when the call could not be summarized."""
        if not file.is_file():
            raise CommandError(f"there is no file {file}")
        organization, _made = Organization.objects.get_or_create(name=options["organization"])
        try:
            call = add_recording(
                organization=organization,
                actor=None,
                file_name=file.name,
                chunks=_chunks(file),
                source=Call.Source.COMMAND,
                declared_codec=options["codec"],
                declared_rate_hz=options["rate"],
            )
        except DuplicateRecording as known:
            call = known.call
        except YoyakError as error:
            self._refuse(error, options["json"])
            sys.exit(1)
        (job,) = wait_for([request_processing(call=call, actor=None).pk])
        report = call_report(job)
        if options["json"]:
            self.stdout.write(json.dumps(report, ensure_ascii=False, indent=2))
        else:
            print_call(self.stdout, report)
        if job.state != job.State.DONE:
            sys.exit(1)

    def _refuse(self, error: YoyakError, as_json: bool) -> None:
        if as_json:
            reason = {"code": error.code, "ko": describe(error.code, error.values)}
            self.stdout.write(json.dumps({"status": "refused", "reason": reason}, ensure_ascii=False))
        else:
            self.stderr.write(describe(error.code, error.values))


def _chunks(file: Path, size: int = 1 << 20) -> Iterator[bytes]:
    with file.open("rb") as stream:
        while chunk := stream.read(size):
            yield chunk
