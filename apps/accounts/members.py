"""Change who works in an organization: roles, teams, who is disabled, and whether a second factor is required.

The caller holds each membership or organization by right (`access_membership`, `access_managed`).
"""

from django.db import transaction
from django.db.models import F, RestrictedError
from django.utils import timezone

from apps.accounts.models import ApiToken, Membership, Organization, Role, Team, User
from apps.accounts.selectors import memberships_of
from apps.accounts.services import log_access
from apps.core.errors import YoyakError

MAX_TEAMS = 200


@transaction.atomic
def change_member(*, membership: Membership, role: Role, team: Team | None, actor: User) -> None:
    """Give a member another role or team; it counts from their next request on.

    Raises:
        YoyakError: the team is of another organization, or nobody would administer the organization any more.
    """
    if team is not None and team.organization_id != membership.organization_id:
        raise YoyakError("no_such_team")
    if role is not Role.ADMIN:
        _keep_an_admin(membership)
    Membership.objects.filter(pk=membership.pk).update(role=role, team=team)
    _log(actor, membership, "change_member")


@transaction.atomic
def disable_member(*, membership: Membership, actor: User) -> None:
    """Take a member out: what they saw here is out of reach at once.

    With the last membership go all sessions and API tokens of the person, for good.

    Raises:
        YoyakError: nobody would administer the organization any more.
    """
    _keep_an_admin(membership)
    Membership.objects.filter(pk=membership.pk, disabled_at=None).update(disabled_at=timezone.now())
    if not memberships_of(membership.user).exists():
        User.objects.filter(pk=membership.user_id).update(session_generation=F("session_generation") + 1)
        ApiToken.objects.filter(user=membership.user_id).delete()
    _log(actor, membership, "disable_member")


@transaction.atomic
def enable_member(*, membership: Membership, actor: User) -> None:
    """Let a member in again, with the role and team they had."""
    Membership.objects.filter(pk=membership.pk).update(disabled_at=None)
    _log(actor, membership, "enable_member")


def _keep_an_admin(membership: Membership) -> None:
    Organization.objects.select_for_update().get(pk=membership.organization_id)
    admins = Membership.objects.filter(
        organization=membership.organization_id, role=Role.ADMIN, disabled_at=None, user__is_active=True
    )
    if not admins.exclude(pk=membership.pk).exists():
        raise YoyakError("last_admin")


@transaction.atomic
def require_totp(*, organization: Organization, required: bool, actor: User) -> None:
    """Require a second factor of every member, or no longer."""
    Organization.objects.filter(pk=organization.pk).update(require_totp=required)
    action = "require_totp" if required else "waive_totp"
    _log_house(actor, organization, action)


@transaction.atomic
def add_team(*, organization: Organization, name: str, actor: User) -> Team:
    """Add a team and return it.

    Raises:
        YoyakError: there is one of that name, or there are too many.
    """
    if organization.teams.filter(name=name).exists():
        raise YoyakError("team_exists", name=name)
    if organization.teams.count() >= MAX_TEAMS:
        raise YoyakError("too_many_teams", limit=MAX_TEAMS)
    team = Team.objects.create(organization=organization, name=name)
    _log_house(actor, organization, "add_team")
    return team


@transaction.atomic
def remove_team(*, team: Team, actor: User) -> None:
    """Remove a team that nobody is in.

    Raises:
        YoyakError: somebody is, or it still has summary templates.
    """
    members = team.memberships.count()
    if members:
        raise YoyakError("team_in_use", name=team.name, members=members)
    try:
        team.delete()
    except RestrictedError as error:
        raise YoyakError("team_has_templates", name=team.name, templates=len(error.restricted_objects)) from error
    _log_house(actor, team.organization, "remove_team")


def _log(actor: User, membership: Membership, action: str) -> None:
    log_access(
        actor=actor,
        organization_id=membership.organization_id,
        action=action,
        kind="member",
        object_id=membership.user_id,
    )


def _log_house(actor: User, organization: Organization, action: str) -> None:
    log_access(
        actor=actor, organization_id=organization.pk, action=action, kind="organization", object_id=organization.pk
    )
