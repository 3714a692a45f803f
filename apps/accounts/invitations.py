"""Invite people into an organization: a link that is shown once, works once and ends after some days."""

import secrets
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.accounts.models import Invitation, Membership, Organization, Role, Team, User
from apps.accounts.services import log_access
from apps.accounts.tokens import token_digest
from apps.core.errors import YoyakError

DAYS = 7


@transaction.atomic
def invite(*, organization: Organization, note: str, role: Role, team: Team | None, actor: User) -> str:
    """Return the secret part of a link that makes whoever holds it a member. It cannot be shown again.

    Raises:
        YoyakError: the team is of another organization.
    """
    if team is not None and team.organization_id != organization.pk:
        raise YoyakError("no_such_team")
    token = secrets.token_urlsafe(24)
    invitation = Invitation.objects.create(
        organization=organization,
        note=note,
        role=role,
        team=team,
        digest=token_digest(token),
        invited_by=actor,
        expires_at=timezone.now() + timedelta(days=DAYS),
    )
    _log(actor, invitation, "invite_member")
    return token


@transaction.atomic
def withdraw(*, invitation: Invitation, actor: User) -> None:
    """Make the link of an invitation useless."""
    _log(actor, invitation, "withdraw_invitation")
    invitation.delete()


@transaction.atomic
def accept(*, invitation: Invitation, user: User) -> None:
    """Make `user` a member as the invitation says.

    Raises:
        YoyakError: somebody was quicker, or the person is or was a member already.
    """
    if Membership.objects.filter(user=user, organization=invitation.organization_id).exists():
        raise YoyakError("already_member")
    now = timezone.now()
    waiting = Invitation.objects.filter(pk=invitation.pk, accepted_at=None, expires_at__gt=now)
    if not waiting.update(accepted_at=now, accepted_by=user):
        raise YoyakError("invitation_over")
    Membership.objects.create(
        user=user, organization_id=invitation.organization_id, role=invitation.role, team_id=invitation.team_id
    )
    _log(user, invitation, "accept_invitation")


@transaction.atomic
def accept_as_new(*, invitation: Invitation, username: str, password: str) -> User:
    """Make a person of that name and password, who is new here, a member as the invitation says.

    Raises:
        YoyakError: somebody was quicker, with the invitation or with the name.
    """
    try:
        with transaction.atomic():
            user = User.objects.create_user(username, password=password)
    except IntegrityError as error:
        raise YoyakError("name_taken", name=username) from error
    accept(invitation=invitation, user=user)
    return user


def _log(actor: User, invitation: Invitation, action: str) -> None:
    log_access(
        actor=actor,
        organization_id=invitation.organization_id,
        action=action,
        kind="invitation",
        object_id=invitation.pk,
    )
