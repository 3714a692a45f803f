"""Read what is known of imported calls, for callers that hold the call or the organization by right."""

from django.db.models import Exists, OuterRef

from apps.accounts.models import Organization, User
from apps.calls.models import Call, Recording
from apps.intake.models import CallDetails
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
    """Return the active people of an organization by the names they sign in with."""
    people = User.objects.filter(memberships__organization=organization, is_active=True)
    return {person.username: person for person in people}
