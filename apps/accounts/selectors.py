"""Who somebody is and what they may do. Every access decision of the other apps starts here."""

from collections.abc import Iterable
from typing import TypeVar
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils import timezone

from apps.accounts.models import ApiToken, Invitation, Membership, Organization, Role, Team, User
from apps.accounts.roles import CALL_RIGHTS, RIGHTS, Right, roles_with
from apps.accounts.tokens import token_digest


def memberships_of(actor: User) -> QuerySet[Membership]:
    """Return the memberships of `actor` that count, oldest first."""
    held = Membership.objects.filter(user=actor, disabled_at=None) if actor.is_active else Membership.objects.none()
    return held.select_related("organization", "team").order_by("pk")


def held_by(actor: User, roles: Iterable[str] = Role.values) -> list[Membership]:
    """Return the memberships of `actor` that count and have one of `roles`, oldest first."""
    if actor.held is not None:
        return [membership for membership in actor.held if membership.role in roles]
    return list(memberships_of(actor).filter(role__in=roles))


def rights_of(actor: User) -> frozenset[Right]:
    """Return what `actor` may do in one organization or another."""
    return frozenset().union(*(RIGHTS[Role(membership.role)] for membership in held_by(actor)))


def may(actor: User, organization_id: UUID | str, right: Right) -> bool:
    """Tell whether `actor` holds `right` in the organization."""
    return (
        memberships_of(actor).filter(organization_id=organization_id, role__in=roles_with(frozenset({right}))).exists()
    )


def access_organizations(actor: User, rights: Iterable[Right]) -> list[Organization]:
    """Return the organizations in which `actor` holds one of `rights`: where they work now first, then the oldest.

    Raises:
        Http404: there is none.
    """
    held = held_by(actor, roles_with(frozenset(rights)))
    if not held:
        raise Http404("no such right in any organization")
    houses = [membership.organization for membership in held]
    return sorted(houses, key=lambda house: house.pk != actor.working_in)


def access_organization(actor: User) -> Organization:
    """Return the organization whose calls `actor` works on now: what they add and save becomes its.

    Raises:
        Http404: there is none.
    """
    return access_organizations(actor, CALL_RIGHTS)[0]


def organization_ids(actor: User) -> list[UUID]:
    """Return the ids of the organizations on whose calls `actor` works.

    Raises:
        Http404: there is none.
    """
    return [organization.pk for organization in access_organizations(actor, CALL_RIGHTS)]


def working_members(organization_id: UUID) -> QuerySet[User]:
    """Return the people who work on calls of an organization today, by name: to whom calls and actions can be given."""
    working = Membership.objects.filter(
        organization=organization_id, disabled_at=None, role__in=roles_with(CALL_RIGHTS)
    ).values("user")
    return User.objects.filter(is_active=True, pk__in=working).order_by("username")


def operates(actor: User) -> bool:
    """Tell whether `actor` looks after the installation."""
    return actor.is_active and (actor.is_operator or actor.is_superuser)


def signs_in(actor: User) -> bool:
    """Tell whether `actor` may sign in: whoever was a member somewhere must still be one, unless they operate."""
    return operates(actor) or memberships_of(actor).exists() or not Membership.objects.filter(user=actor).exists()


def within_reach(actor: User, owned: str = "") -> Q:
    """Return the condition for rows with `organization` and `created_by` that `actor` may see and work on.

    `owned` leads to another row with those two ("call__"). A reviewer sees what the agents of their team added, and
    without a team all of the organization.

    Raises:
        Http404: the person works on no calls at all.
    """
    held = held_by(actor, roles_with(CALL_RIGHTS))
    if not held:
        raise Http404("no calls")
    reach = Q(pk__in=[])
    for membership in held:
        house = Q(**{f"{owned}organization_id": membership.organization_id})
        reach |= house & _whose(membership, f"{owned}created_by")
    return reach


def _whose(membership: Membership, owner: str) -> Q:
    rights = RIGHTS[Role(membership.role)]
    if Right.ALL_CALLS in rights or (Right.TEAM_CALLS in rights and membership.team_id is None):
        return Q()
    own = Q(**{owner: membership.user_id})
    if Right.TEAM_CALLS in rights:
        mates = Membership.objects.filter(team=membership.team, role=Role.AGENT).values("user_id")
        return own | Q(**{f"{owner}__in": mates})
    return own


def valid_token(token: str) -> ApiToken | None:
    """Return the token's row while it has not expired and its person is active, and a member somewhere or operator."""
    living = ApiToken.objects.filter(digest=token_digest(token), expires_at__gt=timezone.now(), user__is_active=True)
    held = living.select_related("user", "organization").first()
    return held if held and (operates(held.user) or memberships_of(held.user).exists()) else None


def access_tokens(actor: User) -> QuerySet[ApiToken]:
    """Return the tokens with which programs act as `actor`, newest first; nobody sees those of others."""
    return ApiToken.objects.filter(user=actor).order_by("-created_at")


def access_token(actor: User, token_id: UUID) -> ApiToken:
    """Return a token of one's own, or raise Http404."""
    return get_object_or_404(access_tokens(actor), pk=token_id)


def access_membership(actor: User, membership_id: int) -> Membership:
    """Return a membership that `actor` manages, or raise Http404."""
    return _managed(
        actor, get_object_or_404(Membership.objects.select_related("organization", "user"), pk=membership_id)
    )


def access_team(actor: User, team_id: int) -> Team:
    """Return a team that `actor` manages, or raise Http404."""
    return _managed(actor, get_object_or_404(Team.objects.select_related("organization"), pk=team_id))


def access_invitation(actor: User, invitation_id: UUID) -> Invitation:
    """Return an invitation that `actor` manages, or raise Http404."""
    return _managed(actor, get_object_or_404(Invitation.objects.select_related("organization"), pk=invitation_id))


def access_managed(actor: User, organization_id: UUID) -> Organization:
    """Return an organization whose members `actor` manages, or raise Http404."""
    if not may(actor, organization_id, Right.MANAGE_MEMBERS):
        raise Http404("no such organization")
    return Organization.objects.get(pk=organization_id)


_Row = TypeVar("_Row", Membership, Team, Invitation)


def _managed(actor: User, row: _Row) -> _Row:
    access_managed(actor, row.organization_id)
    return row


def members_of(organization: Organization) -> list[Membership]:
    """Return everybody who is or was a member, those who still are first, by name."""
    members = organization.memberships.select_related("user", "team")
    return sorted(members, key=lambda member: (member.disabled_at is not None, member.user.username))


def teams_of(organization: Organization) -> list[Team]:
    """Return the teams of an organization by name."""
    return list(organization.teams.order_by("name"))


def open_invitations(organization: Organization) -> list[Invitation]:
    """Return the invitations that can still be accepted, newest first."""
    waiting = organization.invitations.filter(accepted_at=None, expires_at__gt=timezone.now())
    return list(waiting.select_related("team", "invited_by").order_by("-created_at"))


def invited(token: str) -> Invitation:
    """Return the invitation whose link was just made."""
    return Invitation.objects.get(digest=token_digest(token))


def valid_invitation(token: str) -> Invitation | None:
    """Return the invitation of a link while it can be accepted."""
    waiting = Invitation.objects.filter(digest=token_digest(token), accepted_at=None, expires_at__gt=timezone.now())
    return waiting.select_related("organization", "team").first()
