"""The operations on calls, their transcripts, summaries and jobs. Each is access, service, shape."""

from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.http import Http404

from apps.accounts.selectors import access_organization
from apps.api.operations import Ask, operation
from apps.api.problems import Problem
from apps.api.shapes import CallOut, CallsOut, CallsQuery, JobOut, RecordingIn, SummaryOut, TranscriptIn, TranscriptOut
from apps.calls.models import Call
from apps.calls.selectors import access_call, find_calls
from apps.calls.services import add_recording, delete_call, record_reading, record_search
from apps.core.cursor import page_after
from apps.jobs.selectors import access_job, latest_job_by_call
from apps.jobs.services import cancel_job, request_processing, request_summary
from apps.search.hits import find_hits
from apps.summaries.models import Summary
from apps.summaries.selectors import current_summary
from apps.summaries.services import approve_summary, correct_summary
from apps.transcripts.selectors import access_segments
from apps.transcripts.services import import_turns
from workers.contracts.summary import CallSummary


@operation("GET", "calls", query=CallsQuery, answer=CallsOut)
def list_calls(ask: Ask) -> CallsOut:
    """List calls, newest first, or search them: `q` looks into transcripts and summaries."""
    wanted = ask.query.wanted()
    if wanted.text:
        record_search(actor=ask.actor, organization_id=access_organization(ask.actor).pk)
    calls, following = page_after(find_calls(ask.actor, wanted), ask.query.cursor, ask.query.limit)
    jobs = latest_job_by_call([call.pk for call in calls])
    hits = find_hits(calls, text=wanted.text, party=wanted.party)
    items = [CallOut.of(call, jobs.get(call.pk), hits.get(call.pk)) for call in calls]
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


@operation("GET", "calls/{call_id}", answer=CallOut)
def read_call(ask: Ask) -> CallOut:
    """Read a call with its newest job."""
    call = _read(ask)
    return CallOut.of(call, latest_job_by_call([call.pk]).get(call.pk))


@operation("DELETE", "calls/{call_id}", status=204)
def remove_call(ask: Ask) -> None:
    """Delete a call with recording, transcript and summaries."""
    delete_call(call=_call(ask), actor=ask.actor)


@operation("GET", "calls/{call_id}/transcript", answer=TranscriptOut)
def read_transcript(ask: Ask) -> TranscriptOut:
    """Read the transcript of a call."""
    call = _read(ask)
    return TranscriptOut.of(call, access_segments(ask.actor, call))


@operation("GET", "calls/{call_id}/summary", answer=SummaryOut)
def read_summary(ask: Ask) -> SummaryOut:
    """Read the summary that is shown for a call."""
    return SummaryOut.of(_summary(_read(ask)))


@operation("PUT", "calls/{call_id}/summary", body=CallSummary, answer=SummaryOut)
def put_summary(ask: Ask) -> SummaryOut:
    """Correct the summary: the content becomes a new version."""
    base = _summary(_call(ask))
    return SummaryOut.of(correct_summary(base=base, content=ask.body.model_dump(mode="json"), actor=ask.actor))


@operation("POST", "calls/{call_id}/summary/approve", answer=SummaryOut)
def approve(ask: Ask) -> SummaryOut:
    """Approve the summary that is shown: it becomes a training pair of the organization."""
    summary = _summary(_call(ask))
    approve_summary(summary=summary, actor=ask.actor)
    summary.refresh_from_db()
    return SummaryOut.of(summary)


@operation("POST", "calls/{call_id}/summary/regenerate", answer=JobOut, status=202)
def regenerate(ask: Ask) -> JobOut:
    """Summarize the call again; poll the job that is answered."""
    return JobOut.of(request_summary(call=_call(ask), actor=ask.actor))


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


def _read(ask: Ask) -> Call:
    call = _call(ask)
    record_reading(call=call, actor=ask.actor, action="read_call")
    return call


def _summary(call: Call) -> Summary:
    summary = current_summary(call)
    if summary is None:
        raise Http404("no summary yet")
    return summary
