"""Summarize many calls again as one batch and account for every one of them."""

import json
import sys
from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import QuerySet
from django.utils import timezone, translation

from apps.accounts.models import Organization
from apps.calls.models import Call
from apps.jobs.batches import start_batch
from apps.jobs.models import Job
from apps.jobs.reasons import describe
from workers.management.waiting import wait_for


class Command(BaseCommand):
    help = "Summarize the chosen calls of an organization; prints one line for every call."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the filter."""
        parser.add_argument("--organization", required=True)
        parser.add_argument("--since", type=datetime.fromisoformat, help="ISO date or time")
        parser.add_argument("--until", type=datetime.fromisoformat, help="ISO date or time")
        parser.add_argument("--title", default="", help="part of the title")
        parser.add_argument("--without-summary", action="store_true", help="only calls that have none")
        parser.add_argument("--name", default="")
        parser.add_argument("--json", action="store_true")

    def handle(self, *_: Any, **options: Any) -> None:
        """Start the batch, show its progress, print the account. Exit status 1 when a call was not summarized."""
        organization = Organization.objects.filter(name=options["organization"]).first()
        if organization is None:
            raise CommandError(f"there is no organization {options['organization']!r}")
        calls = list(_chosen(organization, options))
        name = options["name"] or f"{timezone.localtime():%Y-%m-%d %H:%M}"
        batch = start_batch(name=name, calls=calls, actor=None, organization_id=organization.pk)
        jobs = wait_for([job.pk for job in batch.jobs.all()], self._progress)
        rows = [_account(job) for job in jobs]
        if options["json"]:
            self.stdout.write(json.dumps({"batch": str(batch.pk), "calls": rows}, ensure_ascii=False, indent=2))
        else:
            for row in rows:
                self.stdout.write(f"{row['call_id']}  {row['status']:<9}  {row['title']}  {row['reason']}")
        if any(job.state != Job.State.DONE for job in jobs):
            sys.exit(1)

    def _progress(self, done: int, total: int) -> None:
        self.stderr.write(f"{done}/{total}")


def _chosen(organization: Organization, options: dict[str, Any]) -> QuerySet[Call]:
    calls = Call.objects.filter(organization=organization, title__icontains=options["title"]).order_by("happened_at")
    if options["since"]:
        calls = calls.filter(happened_at__gte=_aware(options["since"]))
    if options["until"]:
        calls = calls.filter(happened_at__lt=_aware(options["until"]))
    if options["without_summary"]:
        calls = calls.filter(summaries=None)
    return calls


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else timezone.make_aware(moment)


def _account(job: Job) -> dict[str, str]:
    with translation.override("ko"):
        reason = describe(job.reason, job.reason_values) if job.reason and job.state != Job.State.DONE else ""
    return {"call_id": str(job.call_id), "title": job.call.title, "status": job.state, "reason": reason}
