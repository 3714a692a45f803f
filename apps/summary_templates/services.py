"""Change templates and choose them; each change is a new version and a line of the access log."""

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone

from apps.accounts.models import Organization, Team, User
from apps.accounts.services import log_access
from apps.calls.models import Call
from apps.core.dispatch import ring_on_commit
from apps.core.errors import YoyakError
from apps.jobs.batches import start_batch
from apps.jobs.models import Batch, Job
from apps.jobs.requests import request_summary
from apps.summary_templates.models import (
    AS_CHOSEN,
    CallTemplate,
    SummaryTemplate,
    TemplatePreview,
    TemplateVersion,
    TemplateWish,
)
from workers.contracts.stages import PREVIEW_TASK
from workers.contracts.template import TemplateSpec

_PREVIEWS_KEPT = timedelta(days=1)


@transaction.atomic
def add_template(
    *, organization: Organization, name: str, spec: TemplateSpec, actor: User, team: Team | None = None
) -> SummaryTemplate:
    """Make a template of an organization, or of its `team`, with its first version.

    Raises:
        YoyakError: the organization has one of that name, or the team is of another organization.
    """
    template = _named(SummaryTemplate(organization=organization, team=_own_team(organization.pk, team)), name)
    _add_version(template, spec, actor)
    _log(actor, template, "add_template")
    return template


@transaction.atomic
def change_template(
    *, template: SummaryTemplate, name: str, spec: TemplateSpec, actor: User, team: Team | None
) -> None:
    """Rename a template and add a version, unless it would ask just what the newest one asks.

    One that moves to another team, or from a team to the organization, is no default any more.

    Raises:
        YoyakError: the organization has another one of that name, or the team is of another organization.
    """
    SummaryTemplate.objects.select_for_update().get(pk=template.pk)
    if template.team != team:
        template.team, template.is_default = _own_team(template.organization_id, team), False
    _named(template, name)
    newest = template.versions.order_by("-number").first()
    if newest is None or TemplateSpec.model_validate(newest.content) != spec:
        _add_version(template, spec, actor)
    _log(actor, template, "change_template")


def _own_team(organization_id: uuid.UUID, team: Team | None) -> Team | None:
    if team is not None and team.organization_id != organization_id:
        raise YoyakError("no_such_team")
    return team


def _named(template: SummaryTemplate, name: str) -> SummaryTemplate:
    template.name = name
    try:
        with transaction.atomic():
            template.save()
    except IntegrityError as error:
        raise YoyakError("template_name_taken", name=name) from error
    return template


def _add_version(template: SummaryTemplate, spec: TemplateSpec, actor: User) -> None:
    last = template.versions.aggregate(last=Max("number"))["last"] or 0
    TemplateVersion.objects.create(
        template=template, number=last + 1, content=spec.model_dump(mode="json"), author=actor
    )


@transaction.atomic
def set_default(*, template: SummaryTemplate, on: bool, actor: User) -> None:
    """Make `template` the default of its organization or team in place of another, or take that away from it."""
    peers = SummaryTemplate.objects.filter(organization_id=template.organization_id, team=template.team_id)
    peers.filter(is_default=True).update(is_default=False)
    SummaryTemplate.objects.filter(pk=template.pk).update(is_default=on)
    _log(actor, template, "set_default_template" if on else "unset_default_template")


@transaction.atomic
def retire_template(*, template: SummaryTemplate, actor: User) -> None:
    """Take a template out of use and free its name; summaries made with it keep naming it."""
    SummaryTemplate.objects.filter(pk=template.pk).update(
        retired_at=timezone.now(), is_default=False, team=None, name=f"{template.name} · {template.pk.hex[:6]}"[-80:]
    )
    CallTemplate.objects.filter(template=template).delete()
    _log(actor, template, "retire_template")


@transaction.atomic
def summarize_with(*, call: Call, template: TemplateWish, actor: User) -> Job:
    """Choose a template for `call` and summarize it again."""
    _choose([call], template)
    return request_summary(call=call, actor=actor)


@transaction.atomic
def batch_with(*, calls: Sequence[Call], template: TemplateWish, name: str, actor: User, model: str = "") -> Batch:
    """Choose a template for each of `calls`, which are of one organization, and summarize them again as a batch."""
    _choose(calls, template)
    return start_batch(name=name, calls=calls, actor=actor, organization_id=calls[0].organization_id, model=model)


def _choose(calls: Sequence[Call], template: TemplateWish) -> None:
    if template == AS_CHOSEN:
        return
    if template is not None and any(call.organization_id != template.organization_id for call in calls):
        raise YoyakError("mixed_organizations")
    CallTemplate.objects.filter(call__in=calls).delete()
    if template is not None:
        CallTemplate.objects.bulk_create([CallTemplate(call=call, template=template) for call in calls])


@transaction.atomic
def request_preview(*, call: Call, name: str, spec: TemplateSpec, actor: User) -> TemplatePreview:
    """Ask a worker to try `spec` on `call`."""
    preview = TemplatePreview.objects.create(
        organization_id=call.organization_id,
        call=call,
        asked_by=actor,
        name=name,
        content=spec.model_dump(mode="json"),
        rung_at=timezone.now(),
    )
    log_access(
        actor=actor, organization_id=call.organization_id, action="preview_template", kind="call", object_id=call.pk
    )
    ring_on_commit(PREVIEW_TASK, str(preview.pk), queue="llm")
    return preview


@transaction.atomic
def ring_if_lost(*, preview: TemplatePreview) -> None:
    """Ring again for a waiting preview whose bell may have been lost."""
    overdue = timezone.now() - timedelta(seconds=settings.ENV.sweep_s)
    waiting = TemplatePreview.objects.filter(pk=preview.pk, state=TemplatePreview.State.WAITING, rung_at__lt=overdue)
    if waiting.update(rung_at=timezone.now()):
        ring_on_commit(PREVIEW_TASK, str(preview.pk), queue="llm")


def prune_previews() -> None:
    """Remove the previews of a day ago: nobody looks at them any more, and they hold what was said."""
    TemplatePreview.objects.filter(created_at__lt=timezone.now() - _PREVIEWS_KEPT).delete()


def finish_preview(*, preview_id: uuid.UUID, **changes: Any) -> None:
    """Write down how a preview ended; one that has ended stays as it is."""
    TemplatePreview.objects.filter(pk=preview_id, state=TemplatePreview.State.WAITING).update(**changes)


def _log(actor: User, template: SummaryTemplate, action: str) -> None:
    log_access(
        actor=actor,
        organization_id=template.organization_id,
        action=action,
        kind="template",
        object_id=template.pk,
    )
