"""What the API takes and gives, as pydantic models. The summary itself is the product's own `CallSummary`."""

import uuid
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, date, datetime, time
from typing import Annotated, Literal

from django.utils import timezone
from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, Field, TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from apps.actions.due import Due, dues_of
from apps.api.operations import Incoming, example
from apps.calls.filters import CallFilter
from apps.calls.forms import MAX_TEXT
from apps.calls.models import Call
from apps.jobs.models import Job
from apps.jobs.progress import progress_of
from apps.search.hits import Hits
from apps.sorting.models import Tag
from apps.sorting.services import MAX_NAME
from apps.summaries.models import Summary
from apps.summary_templates.models import TemplateUse
from apps.summary_templates.uses import filled_of
from workers.contracts.lines import ONE_LINE, STRIPPED
from workers.contracts.summary import CallSummary, Category, Outcome, Sentiment
from workers.contracts.template import FilledField, Limits, Section, TemplateSpec

_AWARE = TypeAdapter(AwareDatetime)


def _read(text: object) -> datetime:
    """Return the moment that `text` names; what pydantic would take for seconds since 1970 is none.

    Read here, because behind a validator of our own strictness would refuse every text of a JSON body.
    """
    if isinstance(text, str) and not text.replace(".", "").lstrip("+-").isdecimal():
        with suppress(ValidationError):
            return _AWARE.validate_python(text)
    raise PydanticCustomError("moment", "a date and time with a time zone is expected")


def _in_utc(moment: datetime) -> datetime:
    """Return the moment in UTC, which not every one has: PostgreSQL takes no zone sixteen hours away or more."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("the date is out of range") from None


Moment = Annotated[AwareDatetime, BeforeValidator(_read), AfterValidator(_in_utc)]


class PageQuery(Incoming):
    cursor: Annotated[str, Field(max_length=200)] = ""
    limit: Annotated[int, Field(ge=1, le=100)] = 20


class FilterFields(Incoming):
    """What programs and people filter calls by in the same words. Empty fields narrow nothing."""

    q: Annotated[str, Field(max_length=MAX_TEXT), STRIPPED] = ""
    party: Literal["", "A", "B"] = ""
    state: Literal["", "active", "done", "failed", "cancelled"] = ""
    category: Category | Literal[""] = ""
    outcome: Outcome | Literal[""] = ""
    sentiment: Sentiment | Literal[""] = ""
    open_actions: bool | None = None
    tag: Annotated[str, Field(max_length=MAX_NAME), STRIPPED] = ""
    phone: Annotated[str, Field(max_length=32), STRIPPED] = ""
    external_id: Annotated[str, Field(max_length=100), STRIPPED] = ""
    direction: Literal["", "inbound", "outbound"] = ""


class CallsFilter(FilterFields):
    """A filter of calls; see `apps.calls.filters.CallFilter`."""

    since: Moment | None = None
    until: Moment | None = None
    created_by: uuid.UUID | None = None
    min_duration_s: Annotated[float, Field(ge=0, le=1e6)] | None = None
    max_duration_s: Annotated[float, Field(ge=0, le=1e6)] | None = None

    def wanted(self) -> CallFilter:
        """Return the filter."""
        fields = self.model_dump(exclude={"cursor", "limit", "q", "state"})
        return CallFilter(text=self.q, group=self.state, **fields)


class CallsQuery(CallsFilter, PageQuery):
    """The filter of calls and the page."""


class TurnIn(Incoming):
    speaker: Annotated[str, Field(max_length=100)] = ""
    text: Annotated[str, Field(min_length=1)]


class TranscriptIn(Incoming):
    model_config = example(
        title="카드 환불 문의",
        turns=[{"speaker": "상담원", "text": "무엇을 도와드릴까요?"}, {"speaker": "고객", "text": "환불이 안 됐어요."}],
    )

    title: Annotated[str, Field(min_length=1, max_length=300, pattern=ONE_LINE), STRIPPED]
    turns: list[TurnIn]


class RecordingIn(Incoming):
    """Fields beside the part `file`; `codec` and `rate_hz` only for recordings without a header."""

    title: Annotated[str, Field(max_length=300), STRIPPED] = ""
    codec: Literal["", "mulaw", "alaw", "pcm_s16le"] = ""
    rate_hz: Annotated[int, Field(ge=4000, le=192_000)] | None = None


class JobOut(BaseModel):
    """`share` is the progress of the whole job, 0 to 1; `reason` is a sentence when it failed."""

    id: uuid.UUID
    call: uuid.UUID
    batch: uuid.UUID | None
    state: str
    stage: str
    share: float
    reason_code: str
    reason: str
    created_at: datetime
    finished_at: datetime | None

    @classmethod
    def of(cls, job: Job) -> "JobOut":
        """Return `job` as the API shows it."""
        progress = progress_of(job)
        return cls(
            id=job.pk,
            call=job.call_id,
            batch=job.batch_id,
            state=job.state,
            stage=job.stage,
            share=progress.share,
            reason_code=job.reason if progress.reason else "",
            reason=progress.reason,
            created_at=job.created_at,
            finished_at=job.finished_at,
        )


class FragmentOut(BaseModel):
    text: str
    marked: bool


class HitOut(BaseModel):
    """A line that holds what was looked for; number, party and start belong to a transcript segment."""

    kind: Literal["segment", "summary"]
    number: int | None
    party: str
    start_s: float | None
    fragments: list[FragmentOut]


class CallOut(BaseModel):
    """`happened_at` is when people spoke, as far as anybody told; lists go by it. `created_at` is when it came in."""

    id: uuid.UUID
    title: str
    source: str
    created_at: datetime
    happened_at: datetime
    created_by: uuid.UUID | None
    duration_s: float | None
    job: JobOut | None
    tags: list[str] = []
    hits: list[HitOut] = []

    @classmethod
    def of(cls, call: Call, job: Job | None, hits: Hits | None = None, tags: Iterable[Tag] = ()) -> "CallOut":
        """Return `call` as the API shows it."""
        return cls(
            id=call.pk,
            title=call.title,
            source=call.source,
            created_at=call.created_at,
            happened_at=call.happened_at,
            created_by=call.created_by_id,
            duration_s=call.duration_s,
            job=JobOut.of(job) if job else None,
            tags=[tag.name for tag in tags],
            hits=[HitOut.model_validate(hit, from_attributes=True) for hit in hits.shown] if hits else [],
        )


class CallsOut(BaseModel):
    """One page; `next_cursor` is empty on the last."""

    items: list[CallOut]
    next_cursor: str


class TemplateUseOut(BaseModel):
    """The template version that a summary was made with: which sections it shows, in which order, how many of each."""

    id: uuid.UUID
    name: str
    version: int
    sections: list[Section]
    limits: Limits

    @classmethod
    def of(cls, use: TemplateUse) -> "TemplateUseOut":
        """Return the use of a template as the API shows it."""
        version, spec = use.version, TemplateSpec.model_validate(use.version.content)
        return cls(
            id=version.template_id,
            name=version.template.name,
            version=version.number,
            sections=list(spec.sections),
            limits=spec.limits,
        )


class DueOut(BaseModel):
    """When an action item is due, as the words of its `when` meant it on the day of the call; null where they name no
    one day. An hour without a day is that day's."""

    due_on: date | None
    due_time: time | None

    @classmethod
    def of(cls, due: Due) -> "DueOut":
        """Return what was read as the API shows it."""
        return cls(due_on=due.on, due_time=due.at)


class SummaryOut(BaseModel):
    """`content` is whole; what of it people see, and `fields` of their own, the `template` says. `dues` has one entry
    for each of `content.actions`, in their order."""

    id: uuid.UUID
    call: uuid.UUID
    version: int
    state: str
    method: str
    model_version: str
    by_person: bool
    created_at: datetime
    content: CallSummary
    dues: list[DueOut]
    template: TemplateUseOut | None
    fields: list[FilledField]

    @classmethod
    def of(cls, summary: Summary, use: TemplateUse | None) -> "SummaryOut":
        """Return a version, made with the template `use`, as the API shows it."""
        content = CallSummary.model_validate(summary.content)
        return cls(
            id=summary.pk,
            call=summary.call_id,
            version=summary.version,
            state=summary.state,
            method=summary.method,
            model_version=summary.model_version,
            by_person=summary.by_person,
            created_at=summary.created_at,
            content=content,
            dues=list(map(DueOut.of, dues_of(content, timezone.localdate(summary.call.happened_at)))),
            template=TemplateUseOut.of(use) if use else None,
            fields=list(filled_of(use)),
        )
