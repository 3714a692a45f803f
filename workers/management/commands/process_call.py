"""Take in one recording and print what the pipeline made of it."""

import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from apps.accounts.models import Organization
from apps.calls.models import Call
from apps.calls.services import DuplicateRecording, add_recording
from apps.core.errors import YoyakError
from workers.management.printing import print_report
from workers.management.report import call_report, refusal_report
from workers.management.waiting import finished_job

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
        try:
            report = self._process(file, options)
        except YoyakError as error:
            report = refusal_report(error)
        print_report(self.stdout, report, as_json=options["json"])
        if report["status"] != "done":
            sys.exit(1)

    def _process(self, file: Path, options: dict[str, Any]) -> dict[str, Any]:
        if not file.is_file():
            raise YoyakError("recording_missing")
        organization, _made = Organization.objects.get_or_create(name=options["organization"])
        try:
            call, duplicate = _add(organization, file, options), False
        except DuplicateRecording as known:
            call, duplicate = known.call, True
        return call_report(finished_job(call)) | {"duplicate": duplicate}


def _add(organization: Organization, file: Path, options: dict[str, Any]) -> Call:
    return add_recording(
        organization=organization,
        actor=None,
        file_name=file.name,
        chunks=_chunks(file),
        source=Call.Source.COMMAND,
        declared_codec=options["codec"],
        declared_rate_hz=options["rate"],
    )


def _chunks(file: Path, size: int = 1 << 20) -> Iterator[bytes]:
    with file.open("rb") as stream:
        while chunk := stream.read(size):
            yield chunk
