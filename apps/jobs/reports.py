"""The account of a batch as a table to take out: every call with its summary, or the reason why there is none."""

from collections.abc import Iterator

from django.http import StreamingHttpResponse

from apps.accounts.models import User
from apps.calls.exports.files import disposition
from apps.core.tables import csv_line
from apps.jobs.batches import record_report
from apps.jobs.models import Batch, Job
from apps.jobs.progress import progress_of
from apps.jobs.selectors import access_batch_jobs

COLUMNS = ("call", "title", "duration_s", "state", "outcome", "reason_code", "finished_at")


def report_response(actor: User, batch: Batch) -> StreamingHttpResponse:
    """Return the account as a file, and note in the access log that it was taken out."""
    record_report(batch=batch, actor=actor)
    headers = {"Content-Disposition": disposition(batch.name, "csv")}
    return StreamingHttpResponse(report_lines(actor, batch), content_type="text/csv; charset=utf-8", headers=headers)


def report_lines(actor: User, batch: Batch) -> Iterator[str]:
    """Yield the lines of a CSV that spreadsheets open; `outcome` is "summary" or a sentence in the active language.

    Only calls that `actor` may see are in it.
    """
    yield "\ufeff" + csv_line(COLUMNS)
    for job in access_batch_jobs(actor, [batch]):
        yield csv_line(_row(job))


def _row(job: Job) -> list[str]:
    length = "" if job.call.duration_s is None else f"{job.call.duration_s:.1f}"
    code = job.reason if job.state in (Job.State.FAILED, Job.State.CANCELLED) else ""
    ended = job.finished_at.isoformat() if job.finished_at else ""
    return [str(job.call_id), job.call.title, length, job.state, outcome_of(job), code, ended]


def outcome_of(job: Job) -> str:
    """Return "summary" for a call that was summarized, else why it was not, or has not been yet."""
    if job.state == Job.State.DONE:
        return "summary"
    progress = progress_of(job)
    return progress.reason or progress.state
