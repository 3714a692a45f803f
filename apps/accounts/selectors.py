"""Who somebody is and what they may do. Every access decision of the other apps starts here."""

from uuid import UUID

from django.http import Http404
from django.utils import timezone

from apps.accounts.models import ApiToken, Membership, Organization, Role, User
from apps.accounts.tokens import token_digest

# Each role may do what the roles before it may.
_RANK = {Role.AGENT: 0, Role.REVIEWER: 1, Role.ADMIN: 2}


def organization_ids(actor: User) -> list[str]:
    """Return the ids of the organizations that `actor` belongs to."""
    if not actor.is_active:
        return []
    return [str(pk) for pk in Membership.objects.filter(user=actor).values_list("organization_id", flat=True)]


def access_organization(actor: User) -> Organization:
    """Return the organization `actor` works for.

    Raises:
        Http404: the person belongs to none.
    """
    membership = Membership.objects.filter(user=actor).select_related("organization").order_by("pk").first()
    if membership is None:
        raise Http404("no organization")
    return membership.organization


def has_role(actor: User, organization_id: UUID | str, role: Role) -> bool:
    """Tell whether `actor` holds `role` or a higher one in the organization."""
    if not actor.is_active:
        return False
    held = Membership.objects.filter(user=actor, organization_id=organization_id).values_list("role", flat=True).first()
    return held is not None and _RANK[Role(held)] >= _RANK[role]


def administers(actor: User) -> bool:
    """Tell whether `actor` administers any organization."""
    return actor.is_active and Membership.objects.filter(user=actor, role=Role.ADMIN).exists()


def reach(actor: User) -> tuple[list[UUID], list[UUID]]:
    """Return the organizations of which `actor` sees everything, and those of which only their own work."""
    whole: list[UUID] = []
    own: list[UUID] = []
    if actor.is_active:
        for organization_id, role in Membership.objects.filter(user=actor).values_list("organization_id", "role"):
            (own if role == Role.AGENT else whole).append(organization_id)
    return whole, own


def valid_token(token: str) -> ApiToken | None:
    """Return the token's row while it has not expired and its person is active and a member somewhere."""
    living = ApiToken.objects.filter(digest=token_digest(token), expires_at__gt=timezone.now(), user__is_active=True)
    return living.filter(user__memberships__isnull=False).select_related("user").distinct().first()
