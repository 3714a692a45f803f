"""Import a folder of recordings with a CSV file of what is known about the calls."""

import json
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.accounts.models import Organization
from apps.intake.planning import Plan, plan_import
from workers.importing import import_planned, planned
from workers.management.report import reason_report
from workers.readable import require_readable


class Command(BaseCommand):
    help = "Import a folder of recordings as a CSV file describes them. All rows are checked before any is imported."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the folder, the table and whose the calls are."""
        parser.add_argument("folder", type=Path)
        parser.add_argument("--csv", type=Path, required=True, help="UTF-8 or CP949, with a heading")
        parser.add_argument("--organization", required=True)
        parser.add_argument("--dry-run", action="store_true", help="check and report, import nothing")
        parser.add_argument("--json", action="store_true")

    def handle(self, *_: Any, folder: Path, csv: Path, **options: Any) -> None:
        """Check everything, import, print an account. Exit status 1 when a row could not be used."""
        organization = Organization.objects.filter(name=options["organization"]).first()
        if organization is None:
            raise CommandError(f"there is no organization {options['organization']!r}")
        if not folder.is_dir():
            raise CommandError(f"there is no folder {folder}")
        plan = plan_import(organization=organization, folder=folder, table=_content(csv), look=require_readable)
        account: dict[str, Any] = {"batch": None, "calls": []}
        if not plan.complaints:
            account = planned(plan) if options["dry_run"] else import_planned(organization, plan, csv.stem)
        report = {"dry_run": options["dry_run"], **_totals(plan, account)}
        self.stdout.write(json.dumps(report, ensure_ascii=False, indent=2) if options["json"] else _plain(report))
        if plan.complaints or report["failed"]:
            sys.exit(1)


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror}") from error


def _totals(plan: Plan, account: dict[str, Any]) -> dict[str, Any]:
    statuses = [line["status"] for line in account["calls"]]
    return {
        "added": statuses.count("added"),
        "new": statuses.count("new"),
        "duplicates": statuses.count("duplicate"),
        "failed": statuses.count("failed"),
        "errors": [
            {"row": each.row, "column": each.column, **reason_report(each.error.code, each.error.values)}
            for each in plan.complaints
        ],
        "not_in_csv": plan.unnamed,
        **account,
    }


def _plain(report: dict[str, Any]) -> str:
    return "\n".join(_plain_lines(report))


def _plain_lines(report: dict[str, Any]) -> Iterator[str]:
    for error in report["errors"]:
        where = " ".join(filter(None, (f"{error['row']}행/row" if error["row"] else "CSV", error["column"])))
        yield f"{where}: {error['ko']} / {error['en']}"
    for call in report["calls"]:
        yield f"{call['row']:>6}  {call['status']:<9}  {call['file']}  {call['call']}{call.get('detail', '')}"
    for name in report["not_in_csv"]:
        yield f"     –  not in CSV  {name}"
    yield _total(report)


def _total(report: dict[str, Any]) -> str:
    count = len(report["errors"])
    if count:
        return f"오류 {count}개: 아무것도 가져오지 않았습니다. / {count} errors: nothing was imported."
    named = "new" if report["dry_run"] else "added"
    counted = (named, "duplicates", "failed")
    return ", ".join(f"{name} {report[name]}" for name in counted) + f", not in CSV {len(report['not_in_csv'])}"
