"""Read templates through the acting person: members see those of the organization and of their team, administrators see
and change all of them.
"""

from collections.abc import Iterable
from uuid import UUID

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404

from apps.accounts.models import Organization, User
from apps.accounts.roles import Right, roles_with
from apps.accounts.selectors import access_organizations, may, memberships_of, organization_ids, rights_of
from apps.calls.models import Call
from apps.calls.selectors import access_call, access_calls
from apps.summary_templates.models import (
    AS_CHOSEN,
    CallTemplate,
    SummaryTemplate,
    TemplatePreview,
    TemplateVersion,
    TemplateWish,
)

_RECENT_CALLS = 30


def access_templates(actor: User) -> QuerySet[SummaryTemplate]:
    """Return the templates in use that `actor` may choose: the organization's before the teams', defaults first."""
    held = memberships_of(actor)
    edited = held.filter(role__in=roles_with(frozenset({Right.SET_UP}))).values("organization")
    offered = Q(team=None) | Q(team__in=held.values("team")) | Q(organization__in=edited)
    living = SummaryTemplate.objects.filter(offered, organization_id__in=organization_ids(actor), retired_at=None)
    return living.select_related("organization", "team").order_by(
        F("team__name").asc(nulls_first=True), "-is_default", "name"
    )


def access_template(actor: User, template_id: UUID) -> SummaryTemplate:
    """Return one template or raise Http404."""
    return get_object_or_404(access_templates(actor), pk=template_id)


def access_wish(actor: User, wanted: UUID | str) -> TemplateWish:
    """Return what `wanted` names: a template by its id, "default", or "" for what was chosen before; or Http404."""
    if wanted == "":
        return AS_CHOSEN
    return None if wanted == "default" else access_template(actor, UUID(str(wanted)))


def access_own_template(actor: User, template_id: UUID) -> SummaryTemplate:
    """Return one template that `actor` may change, or raise Http404."""
    template = access_template(actor, template_id)
    if not edits_templates(actor, template.organization_id):
        raise Http404("no administrator")
    return template


def access_editing(actor: User) -> Organization:
    """Return the organization for which `actor` may make templates, or raise Http404."""
    return access_organizations(actor, {Right.SET_UP})[0]


def edits_any(actor: User) -> bool:
    """Tell whether `actor` may change the templates of any organization."""
    return Right.SET_UP in rights_of(actor)


def edits_templates(actor: User, organization_id: UUID | str) -> bool:
    """Tell whether `actor` may change the templates of the organization."""
    return may(actor, organization_id, Right.SET_UP)


def access_preview(actor: User, preview_id: UUID) -> TemplatePreview:
    """Return a preview that `actor` asked for on a call they may still see, or raise Http404."""
    preview = get_object_or_404(TemplatePreview.objects.select_related("call"), pk=preview_id, asked_by=actor)
    access_call(actor, preview.call_id)
    return preview


def versions_of(template: SummaryTemplate) -> list[TemplateVersion]:
    """Return the versions of a template, newest first."""
    return list(template.versions.select_related("author"))


def current_versions(templates: Iterable[SummaryTemplate]) -> dict[UUID, TemplateVersion]:
    """Return the version of each template that counts, with its author, in one query."""
    later = TemplateVersion.objects.filter(template=OuterRef("template"), number__gt=OuterRef("number"))
    newest = TemplateVersion.objects.filter(~Exists(later), template__in=[one.pk for one in templates])
    return {version.template_id: version for version in newest.select_related("author")}


def current_version(template: SummaryTemplate) -> TemplateVersion:
    """Return the version that counts."""
    return template.versions.order_by("-number")[0]


def chosen_template(call: Call) -> UUID | None:
    """Return the id of the template somebody chose for `call`."""
    return CallTemplate.objects.filter(call=call).values_list("template_id", flat=True).first()


def calls_to_try(actor: User, organization: Organization) -> QuerySet[Call]:
    """Return recent calls with a transcript on which `actor` can try a template."""
    spoken = access_calls(actor).filter(organization=organization, segments__isnull=False)
    return Call.objects.filter(pk__in=list(spoken.values_list("pk", flat=True).distinct()[:_RECENT_CALLS])).order_by(
        "-happened_at", "pk"
    )
