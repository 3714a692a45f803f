"""The operations on summaries: the one that is shown, every version, what changed between two, correct, approve."""

import uuid
from typing import Annotated, Literal

from django.http import Http404
from pydantic import BaseModel, Field

from apps.api.operations import Ask, Incoming, example, operation
from apps.api.problems import Problem
from apps.api.shapes import JobOut, SummaryOut
from apps.calls.models import Call
from apps.calls.selectors import access_call
from apps.calls.services import record_reading
from apps.core.feedback import explain
from apps.summaries.changes import changes_between
from apps.summaries.models import Summary
from apps.summaries.selectors import access_summary, access_versions, current_summary, version_before
from apps.summaries.services import SummaryChanged, approve_summary, correct_summary
from apps.summary_templates.selectors import access_wish
from apps.summary_templates.services import summarize_with
from apps.summary_templates.uses import use_of, uses_of
from workers.contracts.summary import CorrectedSummary
from workers.contracts.template import MAX_FIELDS, FilledField


class RegenerateQuery(Incoming):
    """`template` is the id of one, or "default" for the organization's; left out, what was chosen before counts."""

    template: uuid.UUID | Literal["default"] | None = None


class ChangesQuery(Incoming):
    """`before` is the number of the version to compare with, by default the one that came before."""

    before: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None


class CorrectionIn(CorrectedSummary):
    """A summary as it should be. `seen` is the number of the version that was shown when it was written: where another
    is shown by now the answer is 409, with that one as `current`. `fields` are those of the template; left out, they
    stay."""

    model_config = example(
        seen=1,
        title="카드 환불 문의",
        one_line={"text": "고객이 카드 환불을 문의함", "evidence": [2]},
        actions=[{"who": "상담원", "what": "환불 확인 후 다시 전화", "when": "내일 오전", "evidence": [5]}],
        category="finance",
    )

    seen: Annotated[int, Field(ge=1, le=2**31 - 1)]
    fields: Annotated[list[FilledField], Field(max_length=MAX_FIELDS)] | None = None


class SummariesOut(BaseModel):
    """Every version, the newest first."""

    items: list[SummaryOut]


class WordsOut(BaseModel):
    """Words that are the same in both versions, came or went."""

    sign: Literal["same", "added", "removed"]
    text: str


class LineOut(BaseModel):
    """A line that is the same, came, went, or changed within."""

    sign: Literal["same", "added", "removed", "changed"]
    runs: list[WordsOut]


class PartOut(BaseModel):
    heading: str
    changed: bool
    lines: list[LineOut]


class ChangesOut(BaseModel):
    """`before` is the number of the version that was compared with, null for the first of a call."""

    before: int | None
    parts: list[PartOut]


@operation("GET", "calls/{call_id}/summary", answer=SummaryOut)
def read_summary(ask: Ask) -> SummaryOut:
    """Read the summary that is shown for a call."""
    call = _call(ask)
    record_reading(call=call, actor=ask.actor, action="read_call")
    return _out(_shown(call))


@operation("PUT", "calls/{call_id}/summary", body=CorrectionIn, answer=SummaryOut)
def put_summary(ask: Ask) -> SummaryOut:
    """Correct the summary that is shown: the content becomes a new version."""
    return _corrected(ask, _shown(_call(ask)))


@operation("POST", "calls/{call_id}/summary/approve", answer=SummaryOut)
def approve(ask: Ask) -> SummaryOut:
    """Approve the summary that is shown: it becomes a training pair of the organization."""
    return _approved(ask, _shown(_call(ask)))


@operation("POST", "calls/{call_id}/summary/regenerate", query=RegenerateQuery, answer=JobOut, status=202)
def regenerate(ask: Ask) -> JobOut:
    """Summarize the call again, with another template if one is named; poll the job that is answered."""
    call, template = _call(ask), access_wish(ask.actor, ask.query.template or "")
    return JobOut.of(summarize_with(call=call, template=template, actor=ask.actor))


@operation("GET", "calls/{call_id}/summaries", answer=SummariesOut)
def list_versions(ask: Ask) -> SummariesOut:
    """Read every version of a call's summary."""
    call = _call(ask)
    record_reading(call=call, actor=ask.actor, action="read_call")
    versions = access_versions(ask.actor, call.pk)
    uses = uses_of(versions)
    return SummariesOut(items=[SummaryOut.of(version, uses.get(version.pk)) for version in versions])


@operation("PUT", "summaries/{summary_id}", body=CorrectionIn, answer=SummaryOut)
def correct_version(ask: Ask) -> SummaryOut:
    """Correct a version: the content becomes a new one."""
    return _corrected(ask, access_summary(ask.actor, ask.ids["summary_id"]))


@operation("POST", "summaries/{summary_id}/approve", answer=SummaryOut)
def approve_version(ask: Ask) -> SummaryOut:
    """Approve a version: it becomes a training pair of the organization."""
    return _approved(ask, access_summary(ask.actor, ask.ids["summary_id"]))


@operation("GET", "summaries/{summary_id}/changes", query=ChangesQuery, answer=ChangesOut)
def read_changes(ask: Ask) -> ChangesOut:
    """Read what a version changed against another, part by part and word by word."""
    summary = access_summary(ask.actor, ask.ids["summary_id"])
    record_reading(call=summary.call, actor=ask.actor, action="read_call")
    before = version_before(summary, access_versions(ask.actor, summary.call_id), str(ask.query.before))
    if before is None:
        return ChangesOut(before=None, parts=[])
    parts = [PartOut.model_validate(part, from_attributes=True) for part in changes_between(before, summary)]
    return ChangesOut(before=before.version, parts=parts)


def _call(ask: Ask) -> Call:
    return access_call(ask.actor, ask.ids["call_id"])


def _shown(call: Call) -> Summary:
    summary = current_summary(call)
    if summary is None:
        raise Http404("no summary yet")
    return summary


def _corrected(ask: Ask, base: Summary) -> SummaryOut:
    body = ask.body
    content = body.model_dump(mode="json", exclude={"seen", "fields"})
    try:
        return _out(correct_summary(base=base, content=content, seen=body.seen, fields=body.fields, actor=ask.actor))
    except SummaryChanged as changed:
        current = _out(changed.current).model_dump(mode="json")
        raise Problem(409, changed.code, explain(changed), current=current) from changed


def _approved(ask: Ask, summary: Summary) -> SummaryOut:
    approve_summary(summary=summary, actor=ask.actor)
    summary.refresh_from_db()
    return _out(summary)


def _out(summary: Summary) -> SummaryOut:
    return SummaryOut.of(summary, use_of(summary))
