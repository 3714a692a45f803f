"""The operations on calls, their recordings and jobs. Each is access, service, shape."""

import uuid
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Literal

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponseBase
from pydantic import BaseModel, Field

from apps.accounts.selectors import access_organization
from apps.api.operations import Ask, Incoming, operation
from apps.api.problems import Problem
from apps.api.shapes import CallOut, CallsOut, CallsQuery, JobOut, RecordingIn, TranscriptIn
from apps.calls.filters import CallFilter
from apps.calls.listening import recording_response
from apps.calls.models import Call
from apps.calls.searching import first_found
from apps.calls.selectors import access_call, access_calls, access_recording, recording_of
from apps.calls.services import add_recording, declare_format, delete_call, record_reading
from apps.core.cursor import cursor_of
from apps.intake.selectors import details_of
from apps.jobs.requests import cancel_job, request_processing, run_again
from apps.jobs.selectors import access_job, latest_job_by_call
from apps.search.hits import find_hits
from apps.sorting.selectors import tags_by_call
from apps.summaries.selectors import current_summary
from apps.summary_templates.selectors import chosen_template
from apps.summary_templates.uses import filled_of, use_of
from apps.transcripts.services import import_turns
from workers.contracts.template import FilledField


class FormatIn(Incoming):
    """How to read a recording without a header; both are left out for any other."""

    codec: Literal["", "mulaw", "alaw", "pcm_s16le"] = ""
    rate_hz: Annotated[int, Field(ge=4000, le=192_000)] | None = None


class DetailsOut(BaseModel):
    """What the telephone system knew; what nobody told is empty."""

    external_id: str
    started_at: datetime | None
    customer_phone: str
    direction: str


class RecordingOut(BaseModel):
    """The recording as it came in; channels, rate and codec are known once it was read."""

    file_name: str
    sha256: str
    size_bytes: int
    channels: int | None
    sample_rate_hz: int | None
    codec: str


class CallPageOut(CallOut):
    """One call; `template` is the one chosen for it, null where the default counts. `fields` are those of the summary
    that is shown."""

    details: DetailsOut | None
    recording: RecordingOut | None
    template: uuid.UUID | None
    fields: list[FilledField]


@operation("GET", "calls", query=CallsQuery, answer=CallsOut)
def list_calls(ask: Ask) -> CallsOut:
    """List calls, newest first, or search them: `q` looks into transcripts and summaries."""
    return page_of_calls(ask, ask.query.wanted())


def page_of_calls(ask: Ask, wanted: CallFilter) -> CallsOut:
    """Return the page that was asked for of the calls that `wanted` describes."""
    cursor, limit = ask.query.cursor, ask.query.limit
    keys = first_found(actor=ask.actor, wanted=wanted, most=limit + 1, cursor=cursor)
    by_key = access_calls(ask.actor).in_bulk(keys[:limit])
    calls = [by_key[key] for key in keys if key in by_key]
    following = cursor_of(calls[-1], at="happened_at") if calls and len(keys) > limit else ""
    jobs, tags = latest_job_by_call(keys), tags_by_call(keys)
    hits = find_hits(calls, text=wanted.text, party=wanted.party)
    items = [CallOut.of(call, jobs.get(call.pk), hits.get(call.pk), tags.get(call.pk, ())) for call in calls]
    return CallsOut(items=items, next_cursor=following)


@operation("POST", "calls", body=TranscriptIn, form=RecordingIn, answer=CallOut, status=201)
def create_call(ask: Ask) -> CallOut:
    """Add a call and start its summary: a recording as multipart with the part `file`, or a transcript as JSON."""
    if isinstance(ask.body, TranscriptIn):
        turns = [turn.model_dump() for turn in ask.body.turns]
        house = access_organization(ask.actor)
        call = import_turns(organization=house, actor=ask.actor, title=ask.body.title, turns=turns)
    else:
        call = _take_in(ask, ask.body)
    return CallOut.of(call, request_processing(call=call, actor=ask.actor))


def _take_in(ask: Ask, described: RecordingIn) -> Call:
    file: UploadedFile[Any] | None = ask.request.FILES.get("file")
    if file is None:
        raise Problem(422, "invalid", "file: the recording is missing")
    return add_recording(
        organization=access_organization(ask.actor),
        actor=ask.actor,
        file_name=(file.name or "recording").replace("\0", ""),
        chunks=file.chunks(),
        source=Call.Source.UPLOAD,
        title=described.title,
        declared_codec=described.codec,
        declared_rate_hz=described.rate_hz,
    )


@operation("GET", "calls/{call_id}", answer=CallPageOut)
def read_call(ask: Ask) -> CallPageOut:
    """Read a call with its newest job, its recording and what the telephone system knew of it."""
    call = _call(ask)
    record_reading(call=call, actor=ask.actor, action="read_call")
    tags = tags_by_call([call.pk]).get(call.pk, ())
    shape = CallOut.of(call, latest_job_by_call([call.pk]).get(call.pk), tags=tags)
    details, recording, shown = details_of(call), recording_of(call), current_summary(call)
    return CallPageOut(
        **shape.model_dump(),
        details=DetailsOut.model_validate(details, from_attributes=True) if details else None,
        recording=RecordingOut.model_validate(recording, from_attributes=True) if recording else None,
        template=chosen_template(call),
        fields=list(filled_of(use_of(shown))) if shown else [],
    )


@operation("DELETE", "calls/{call_id}", status=204)
def remove_call(ask: Ask) -> None:
    """Delete a call with recording, transcript and summaries."""
    delete_call(call=_call(ask), actor=ask.actor)


@operation("GET", "calls/{call_id}/audio", media_type="audio/ogg", partial=True)
def read_audio(ask: Ask) -> HttpResponseBase:
    """Hear a call: the copy of its recording that browsers can play, whole or in the byte range that is asked for."""
    recording = access_recording(ask.actor, ask.ids["call_id"])
    answer = recording_response(ask.request, recording, actor=ask.actor)
    if answer.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        headers = {"Content-Range": answer["Content-Range"]}
        raise Problem(416, "bad_range", "the range begins after the end of the recording", headers=headers)
    return answer


@operation("POST", "calls/{call_id}/process", body=FormatIn, answer=JobOut, status=202)
def process(ask: Ask) -> JobOut:
    """Start, or after a failure or a cancellation go on with, the work on a call; what is at work or done stays."""
    call = _call(ask)
    if ask.body.codec:
        declare_format(call=call, actor=ask.actor, **ask.body.model_dump())
    return JobOut.of(run_again(call=call, job=latest_job_by_call([call.pk]).get(call.pk), actor=ask.actor))


@operation("GET", "jobs/{job_id}", answer=JobOut)
def read_job(ask: Ask) -> JobOut:
    """Read how far a job is. Poll every few seconds until its state is done, failed or cancelled."""
    return JobOut.of(access_job(ask.actor, ask.ids["job_id"]))


@operation("POST", "jobs/{job_id}/cancel", answer=JobOut)
def cancel(ask: Ask) -> JobOut:
    """Cancel a job: a waiting one at once, a running one within moments. One that has ended stays as it is."""
    job = access_job(ask.actor, ask.ids["job_id"])
    if not job.is_final:
        cancel_job(job=job, actor=ask.actor)
        job.refresh_from_db()
    return JobOut.of(job)


def _call(ask: Ask) -> Call:
    return access_call(ask.actor, ask.ids["call_id"])
