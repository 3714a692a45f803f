"""The operations on summary templates: for everybody who works on calls to read, for administrators to write."""

import uuid
from datetime import datetime
from typing import Annotated, Any

from django.http import Http404
from pydantic import BaseModel, Field

from apps.accounts.selectors import access_team
from apps.api.members import TeamId
from apps.api.operations import Ask, Incoming, example, operation
from apps.calls.selectors import access_call
from apps.jobs.reasons import describe
from apps.summary_templates import services
from apps.summary_templates.models import SummaryTemplate, TemplatePreview, TemplateVersion
from apps.summary_templates.selectors import (
    access_editing,
    access_own_template,
    access_preview,
    access_template,
    access_templates,
    current_version,
    current_versions,
    edits_templates,
    versions_of,
)
from workers.contracts.lines import ONE_LINE, STRIPPED
from workers.contracts.summary import CallSummary
from workers.contracts.template import FilledField, TemplateSpec

Name = Annotated[str, Field(min_length=1, max_length=80, pattern=ONE_LINE), STRIPPED]


class TemplateIn(Incoming):
    """A template of the organization, or with `team` of one of its teams."""

    model_config = example(
        name="방문 예약",
        spec={
            "sections": ["one_line", "fields", "actions"],
            "fields": [{"label": "방문 주소", "type": "address", "clues": ["주소"]}],
        },
    )

    name: Name
    team: TeamId | None = None
    spec: TemplateSpec


class DefaultIn(Incoming):
    on: bool


class PreviewIn(Incoming):
    """What to try, and on which call."""

    call: uuid.UUID
    name: Name = "preview"
    spec: TemplateSpec


class VersionOut(BaseModel):
    number: int
    created_at: datetime
    author: uuid.UUID | None
    spec: TemplateSpec

    @classmethod
    def of(cls, version: TemplateVersion) -> "VersionOut":
        """Return a version as the API shows it."""
        return cls(
            number=version.number,
            created_at=version.created_at,
            author=version.author_id,
            spec=TemplateSpec.model_validate(version.content),
        )


class TemplateOut(BaseModel):
    """`current` is the version that counts."""

    id: uuid.UUID
    name: str
    team: int | None
    is_default: bool
    created_at: datetime
    current: VersionOut

    @classmethod
    def of(cls, template: SummaryTemplate, version: TemplateVersion) -> "TemplateOut":
        """Return a template with the version that counts as the API shows it."""
        current = VersionOut.of(version)
        return cls.model_validate({**vars(template), "team": template.team_id, "current": current})


class TemplatesOut(BaseModel):
    items: list[TemplateOut]


class VersionsOut(BaseModel):
    """Every version, the newest first."""

    items: list[VersionOut]


class PreviewOut(BaseModel):
    """`state` is waiting, done or failed; `summary` and `fields` are there once it is done, nothing of it is kept."""

    id: uuid.UUID
    call: uuid.UUID
    state: str
    reason_code: str
    reason: str
    summary: CallSummary | None
    fields: list[FilledField]

    @classmethod
    def of(cls, preview: TemplatePreview) -> "PreviewOut":
        """Return a preview as the API shows it."""
        made: dict[str, Any] = preview.result if preview.state == TemplatePreview.State.DONE else {}
        return cls(
            id=preview.pk,
            call=preview.call_id,
            state=preview.state,
            reason_code=preview.reason,
            reason=describe(preview.reason, preview.reason_values) if preview.reason else "",
            summary=made.get("summary"),
            fields=made.get("template", {}).get("fields", []),
        )


@operation("GET", "templates", answer=TemplatesOut)
def list_templates(ask: Ask) -> TemplatesOut:
    """List the templates that one may choose: the organization's, then those of teams."""
    templates = list(access_templates(ask.actor))
    newest = current_versions(templates)
    return TemplatesOut(items=[TemplateOut.of(template, newest[template.pk]) for template in templates])


@operation("POST", "templates", body=TemplateIn, answer=TemplateOut, status=201)
def create_template(ask: Ask) -> TemplateOut:
    """Make a template with its first version."""
    house = access_editing(ask.actor)
    return _out(services.add_template(organization=house, actor=ask.actor, **_said(ask)))


@operation("GET", "templates/{template_id}", answer=TemplateOut)
def read_template(ask: Ask) -> TemplateOut:
    """Read a template with the version that counts."""
    return _out(access_template(ask.actor, ask.ids["template_id"]))


@operation("PUT", "templates/{template_id}", body=TemplateIn, answer=TemplateOut)
def change_template(ask: Ask) -> TemplateOut:
    """Rename a template, give it to another team, or ask something else: that becomes a new version."""
    services.change_template(template=_own(ask), actor=ask.actor, **_said(ask))
    return _out(_own(ask))


@operation("DELETE", "templates/{template_id}", status=204)
def retire_template(ask: Ask) -> None:
    """Take a template out of use; summaries made with it keep naming it."""
    services.retire_template(template=_own(ask), actor=ask.actor)


@operation("PUT", "templates/{template_id}/default", body=DefaultIn, answer=TemplateOut)
def set_default(ask: Ask) -> TemplateOut:
    """Make a template the default of its organization or team, or no longer."""
    services.set_default(template=_own(ask), on=ask.body.on, actor=ask.actor)
    return _out(_own(ask))


@operation("GET", "templates/{template_id}/versions", answer=VersionsOut)
def list_template_versions(ask: Ask) -> VersionsOut:
    """Read every version of a template."""
    template = access_template(ask.actor, ask.ids["template_id"])
    return VersionsOut(items=[VersionOut.of(version) for version in versions_of(template)])


@operation("POST", "previews", body=PreviewIn, answer=PreviewOut, status=202)
def create_preview(ask: Ask) -> PreviewOut:
    """Try a template on a call without keeping a summary; poll what is answered."""
    call = access_call(ask.actor, ask.body.call)
    if not edits_templates(ask.actor, call.organization_id):
        raise Http404("no administrator")
    made = services.request_preview(call=call, name=ask.body.name, spec=ask.body.spec, actor=ask.actor)
    return PreviewOut.of(made)


@operation("GET", "previews/{preview_id}", answer=PreviewOut)
def read_preview(ask: Ask) -> PreviewOut:
    """Read how a template does on a call."""
    preview = access_preview(ask.actor, ask.ids["preview_id"])
    services.ring_if_lost(preview=preview)
    return PreviewOut.of(preview)


def _out(template: SummaryTemplate) -> TemplateOut:
    return TemplateOut.of(template, current_version(template))


def _own(ask: Ask) -> SummaryTemplate:
    return access_own_template(ask.actor, ask.ids["template_id"])


def _said(ask: Ask) -> dict[str, Any]:
    team = None if ask.body.team is None else access_team(ask.actor, ask.body.team)
    return {"name": ask.body.name, "team": team, "spec": ask.body.spec}
