"""The operations on batches: many calls summarized again as one piece of work, what it would cost, how far it is."""

import uuid
from typing import Annotated, Literal

from django.http import Http404, StreamingHttpResponse
from pydantic import Field

from apps.accounts.selectors import access_organization
from apps.api.batch_shapes import BatchesOut, BatchOut, EstimateOut, JobsOut, ModelOut, ModelsOut
from apps.api.operations import Ask, Incoming, example, operation
from apps.api.shapes import CallsFilter, JobOut, PageQuery
from apps.calls.models import Call
from apps.calls.selectors import access_calls, find_calls
from apps.core.cursor import page_after
from apps.jobs.batches import cancel_batch, pause_batch, resume_batch, retry_batch
from apps.jobs.estimates import estimate_batch
from apps.jobs.forms import MAX_CALLS, one_house
from apps.jobs.models import Batch
from apps.jobs.reports import report_response
from apps.jobs.selectors import (
    access_batch,
    access_batch_jobs,
    access_batches,
    access_whole_batch,
    batch_report,
    batch_shares,
)
from apps.summary_templates.selectors import access_wish
from apps.summary_templates.services import batch_with
from apps.training.selectors import models_of
from workers.contracts.lines import ONE_LINE, STRIPPED


class CallsIn(Incoming):
    """Calls by id or, without any, all that `filter` finds; up to ten thousand, of one organization."""

    calls: Annotated[list[uuid.UUID], Field(max_length=MAX_CALLS)] = []
    filter: CallsFilter | None = None


class EstimateIn(CallsIn):
    """`model` is a key of `GET /models`; left out, the one in use. A template hardly changes what it takes."""

    model: Annotated[str, Field(max_length=36)] = ""


class BatchIn(CallsIn):
    """`template` is the id of one, or "default"; left out, what was chosen for each call counts. `model` is a key of
    `GET /models`; left out, the one in use when a call's turn comes."""

    model_config = example(
        name="11월 환불 통화",
        filter={"q": "환불", "since": "2026-11-01T00:00:00+09:00"},
        template="default",
    )

    name: Annotated[str, Field(min_length=1, max_length=200, pattern=ONE_LINE), STRIPPED]
    template: uuid.UUID | Literal["default"] | None = None
    model: Annotated[str, Field(max_length=36)] = ""


@operation("GET", "batches", query=PageQuery, answer=BatchesOut)
def list_batches(ask: Ask) -> BatchesOut:
    """List batches, newest first."""
    batches, following = page_after(access_batches(ask.actor), ask.query.cursor, ask.query.limit)
    shares = batch_shares(ask.actor, batches)
    return BatchesOut(items=[BatchOut.of(batch, shares[batch.pk]) for batch in batches], next_cursor=following)


@operation("POST", "batches/estimate", body=EstimateIn, answer=EstimateOut)
def batch_estimate(ask: Ask) -> EstimateOut:
    """Tell what summarizing the calls again would take and cost; nothing starts."""
    calls = chosen_calls(ask)
    _offered(calls, ask.body.model)
    return EstimateOut.of(estimate_batch(calls, ask.body.model))


@operation("GET", "models", answer=ModelsOut)
def list_models(ask: Ask) -> ModelsOut:
    """List the models that a batch can name; none where a model server summarizes."""
    house = access_organization(ask.actor)
    return ModelsOut(items=[ModelOut.model_validate(one, from_attributes=True) for one in models_of(house.pk)])


@operation("POST", "batches", body=BatchIn, answer=BatchOut, status=201)
def create_batch(ask: Ask) -> BatchOut:
    """Summarize the calls again as one batch."""
    calls, body = chosen_calls(ask), ask.body
    _offered(calls, body.model)
    template = access_wish(ask.actor, body.template or "")
    made = batch_with(calls=calls, template=template, name=body.name, actor=ask.actor, model=body.model)
    return _whole(ask, made)


def chosen_calls(ask: Ask) -> list[Call]:
    """Return the calls that the body names or describes; Http404 when one of them is not the person's to see."""
    wanted, body = set(ask.body.calls), ask.body
    if wanted or body.filter is None:
        found = access_calls(ask.actor).filter(pk__in=wanted)
        if found.count() != len(wanted):
            raise Http404("a call is not there")
        return one_house(found)
    return one_house(find_calls(ask.actor, body.filter.wanted()))


@operation("GET", "batches/{batch_id}", answer=BatchOut)
def read_batch(ask: Ask) -> BatchOut:
    """Read how far a batch is."""
    return _whole(ask, _batch(ask))


@operation("GET", "batches/{batch_id}/jobs", query=PageQuery, answer=JobsOut)
def list_batch_jobs(ask: Ask) -> JobsOut:
    """List the newest job of each call of a batch, those that were made last first."""
    found = access_batch_jobs(ask.actor, [_batch(ask)]).order_by("-created_at", "pk")
    jobs, following = page_after(found, ask.query.cursor, ask.query.limit)
    return JobsOut(items=[JobOut.of(job) for job in jobs], next_cursor=following)


@operation("GET", "batches/{batch_id}/report", media_type="text/csv")
def read_report(ask: Ask) -> StreamingHttpResponse:
    """Take out the account of every call as CSV: "summary", or the reason why there is none."""
    return report_response(ask.actor, _batch(ask))


@operation("POST", "batches/{batch_id}/cancel", answer=BatchOut)
def batch_cancel(ask: Ask) -> BatchOut:
    """Cancel every unfinished call of a batch."""
    batch = _batch(ask)
    cancel_batch(batch=batch, jobs=access_batch_jobs(ask.actor, [batch]), actor=ask.actor)
    return _whole(ask, _batch(ask))


@operation("POST", "batches/{batch_id}/retry", answer=BatchOut)
def batch_retry(ask: Ask) -> BatchOut:
    """Run the failed calls of a batch again."""
    retry_batch(jobs=access_batch_jobs(ask.actor, [_batch(ask)]), actor=ask.actor)
    return _whole(ask, _batch(ask))


@operation("POST", "batches/{batch_id}/pause", answer=BatchOut)
def batch_pause(ask: Ask) -> BatchOut:
    """Let no further stage of a batch begin; those that run go to their end."""
    pause_batch(batch=access_whole_batch(ask.actor, ask.ids["batch_id"]), actor=ask.actor)
    return _whole(ask, _batch(ask))


@operation("POST", "batches/{batch_id}/resume", answer=BatchOut)
def batch_resume(ask: Ask) -> BatchOut:
    """Go on with a paused batch."""
    resume_batch(batch=access_whole_batch(ask.actor, ask.ids["batch_id"]), actor=ask.actor)
    return _whole(ask, _batch(ask))


def _offered(calls: list[Call], model: str) -> None:
    if model and model not in {one.key for one in models_of(calls[0].organization_id)}:
        raise Http404("no such model")


def _batch(ask: Ask) -> Batch:
    return access_batch(ask.actor, ask.ids["batch_id"])


def _whole(ask: Ask, batch: Batch) -> BatchOut:
    report = batch_report(ask.actor, batch)
    pace = {name: getattr(report, name) for name in ("calls_per_min", "left_s", "took_s")}
    return BatchOut.of(batch, report.counts).model_copy(update=pace)
