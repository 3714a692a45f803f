"""Read imports through the acting administrator, and what is known of imported calls, for callers that hold the call or
the organization by right."""

from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet
from django.shortcuts import get_object_or_404

from apps.accounts.models import Organization, User
from apps.accounts.roles import Right
from apps.accounts.selectors import access_organizations, working_members
from apps.calls.models import Call, Recording
from apps.intake.models import CallDetails, ImportRun
from apps.jobs.models import Job


def details_of(call: Call) -> CallDetails | None:
    """Return what the telephone system knew of `call`, None for a call that was not imported."""
    return CallDetails.objects.filter(call=call).first()


def call_with_recording(organization: Organization, sha256: str) -> Call | None:
    """Return the organization's call with these bytes. One that was never asked for is not there yet: it was
    interrupted on its way in."""
    asked = Exists(Job.objects.filter(call=OuterRef("call")))
    known = Recording.objects.filter(asked, organization=organization, sha256=sha256).select_related("call").first()
    return known.call if known else None


def call_with_external_id(organization: Organization, external_id: str) -> Call | None:
    """Return the organization's call of that name in the other system."""
    known = (
        CallDetails.objects.filter(organization=organization, external_id=external_id).select_related("call").first()
    )
    return known.call if known else None


def members_by_name(organization: Organization) -> dict[str, User]:
    """Return who works on calls of an organization by the names they sign in with."""
    return {person.username: person for person in working_members(organization.pk)}


def access_importing(actor: User) -> Organization:
    """Return the organization into which `actor` may import, which is giving calls to its members; Http404 if none."""
    return access_organizations(actor, [Right.ALL_CALLS])[0]


def access_imports(actor: User) -> QuerySet[ImportRun]:
    """Return the imports into the organizations `actor` administers, newest first."""
    houses = access_organizations(actor, [Right.ALL_CALLS])
    return ImportRun.objects.filter(organization__in=houses).defer("table").order_by("-created_at", "pk")


def access_import(actor: User, run_id: UUID) -> ImportRun:
    """Return one import or raise Http404."""
    return get_object_or_404(access_imports(actor), pk=run_id)
