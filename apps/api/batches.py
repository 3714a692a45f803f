"""The operations on batches: many calls summarized again as one piece of work."""

from django.http import Http404

from apps.api.operations import Ask, operation
from apps.api.shapes import BatchesOut, BatchIn, BatchOut, JobOut, PageQuery
from apps.calls.selectors import access_calls
from apps.core.cursor import page_after
from apps.core.errors import YoyakError
from apps.jobs.models import Batch
from apps.jobs.selectors import access_batch, access_batches, batch_report, batch_shares
from apps.jobs.services import cancel_batch, pause_batch, resume_batch, retry_batch, start_batch


@operation("GET", "batches", query=PageQuery, answer=BatchesOut)
def list_batches(ask: Ask) -> BatchesOut:
    """List batches, newest first."""
    batches, following = page_after(access_batches(ask.actor), ask.query.cursor, ask.query.limit)
    shares = batch_shares(batches)
    return BatchesOut(items=[BatchOut.of(batch, shares[batch.pk]) for batch in batches], next_cursor=following)


@operation("POST", "batches", body=BatchIn, answer=BatchOut, status=201)
def create_batch(ask: Ask) -> BatchOut:
    """Summarize the named calls again as one batch."""
    wanted = set(ask.body.calls)
    calls = sorted(access_calls(ask.actor).filter(pk__in=wanted), key=lambda call: (call.created_at, str(call.pk)))
    if len(calls) != len(wanted):
        raise Http404("a call is not there")
    if len({call.organization_id for call in calls}) > 1:
        raise YoyakError("mixed_organizations")
    organization_id = calls[0].organization_id
    return _whole(start_batch(name=ask.body.name, calls=calls, actor=ask.actor, organization_id=organization_id))


@operation("GET", "batches/{batch_id}", answer=BatchOut)
def read_batch(ask: Ask) -> BatchOut:
    """Read how far a batch is, with the newest job of each call."""
    return _whole(access_batch(ask.actor, ask.ids["batch_id"]))


@operation("POST", "batches/{batch_id}/cancel", answer=BatchOut)
def cancel(ask: Ask) -> BatchOut:
    """Cancel every unfinished call of a batch."""
    batch = access_batch(ask.actor, ask.ids["batch_id"])
    cancel_batch(batch=batch, actor=ask.actor)
    return _whole(batch)


@operation("POST", "batches/{batch_id}/retry", answer=BatchOut)
def retry(ask: Ask) -> BatchOut:
    """Run the failed calls of a batch again."""
    batch = access_batch(ask.actor, ask.ids["batch_id"])
    retry_batch(jobs=batch_report(batch).jobs, actor=ask.actor)
    return _whole(batch)


@operation("POST", "batches/{batch_id}/pause", answer=BatchOut)
def pause(ask: Ask) -> BatchOut:
    """Let no further stage of a batch begin; those that run go to their end."""
    batch = access_batch(ask.actor, ask.ids["batch_id"])
    pause_batch(batch=batch, actor=ask.actor)
    return _whole(access_batch(ask.actor, batch.pk))


@operation("POST", "batches/{batch_id}/resume", answer=BatchOut)
def resume(ask: Ask) -> BatchOut:
    """Go on with a paused batch."""
    batch = access_batch(ask.actor, ask.ids["batch_id"])
    resume_batch(batch=batch, actor=ask.actor)
    return _whole(access_batch(ask.actor, batch.pk))


def _whole(batch: Batch) -> BatchOut:
    report = batch_report(batch)
    shape = BatchOut.of(batch, report.counts)
    return shape.model_copy(update={"left_s": report.left_s, "jobs": [JobOut.of(job) for job in report.jobs]})
