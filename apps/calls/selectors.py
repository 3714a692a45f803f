"""Read calls through the acting person. A call of another organization does not exist."""

from uuid import UUID

from django.db.models import Q, QuerySet
from django.shortcuts import get_object_or_404

from apps.accounts.models import Membership, Role, User
from apps.calls.models import Call, Recording


def access_calls(actor: User) -> QuerySet[Call]:
    """Return the calls `actor` may see, newest first: their own as an agent, all of the organization otherwise."""
    if not actor.is_active:
        return Call.objects.none()
    whole: list[UUID] = []
    own: list[UUID] = []
    for organization_id, role in Membership.objects.filter(user=actor).values_list("organization_id", "role"):
        (own if role == Role.AGENT else whole).append(organization_id)
    visible = Q(organization_id__in=whole) | Q(organization_id__in=own, created_by=actor)
    return Call.objects.filter(visible).order_by("-created_at", "pk")


def access_call(actor: User, call_id: UUID) -> Call:
    """Return one call or raise Http404."""
    return get_object_or_404(access_calls(actor), pk=call_id)


def access_recording(actor: User, call_id: UUID) -> Recording:
    """Return the recording of a call that `actor` may hear, or raise Http404."""
    return get_object_or_404(Recording, call=access_call(actor, call_id))
