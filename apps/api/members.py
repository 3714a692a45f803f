"""The operations on people: who one is, and for administrators members, teams, invitations and the organization."""

import uuid
from datetime import datetime
from typing import Annotated

from django.urls import reverse
from pydantic import BaseModel, Field

from apps.accounts import invitations, members
from apps.accounts.models import Invitation, Membership, Organization, Role, Team
from apps.accounts.roles import RIGHTS, Right
from apps.accounts.selectors import (
    access_invitation,
    access_membership,
    access_organizations,
    access_team,
    invited,
    members_of,
    memberships_of,
    open_invitations,
    operates,
    teams_of,
)
from apps.api.operations import MAX_NUMBER, Ask, Incoming, operation
from workers.contracts.lines import ONE_LINE, STRIPPED

TeamId = Annotated[int, Field(ge=1, le=MAX_NUMBER)]
Name = Annotated[str, Field(min_length=1, max_length=100, pattern=ONE_LINE), STRIPPED]


class PlaceOut(BaseModel):
    """One's place in an organization, and what it allows."""

    organization: uuid.UUID
    organization_name: str
    role: Role
    team: int | None
    rights: list[str]


class MeOut(BaseModel):
    """The person as whom the token acts."""

    id: uuid.UUID
    username: str
    operator: bool
    places: list[PlaceOut]


class MemberChange(Incoming):
    """What is to change; what is left out stays. A null team takes the member out of theirs."""

    role: Annotated[Role | None, Field(strict=False)] = None
    team: TeamId | None = None


class MemberOut(BaseModel):
    """`id` is that of the membership, `user` that of the person."""

    id: int
    user: uuid.UUID
    username: str
    role: Role
    team: int | None
    disabled_at: datetime | None
    last_login: datetime | None

    @classmethod
    def of(cls, member: Membership) -> "MemberOut":
        """Return a member as the API shows it."""
        return cls(
            id=member.pk,
            user=member.user_id,
            username=member.user.username,
            role=Role(member.role),
            team=member.team_id,
            disabled_at=member.disabled_at,
            last_login=member.user.last_login,
        )


class MembersOut(BaseModel):
    """Everybody who is or was a member, those who still are first."""

    items: list[MemberOut]


class TeamIn(Incoming):
    name: Name


class TeamOut(BaseModel):
    id: int
    name: str


class TeamsOut(BaseModel):
    items: list[TeamOut]


class InvitationIn(Incoming):
    """`note` says in words who is invited."""

    note: Name
    role: Annotated[Role, Field(strict=False)]
    team: TeamId | None = None


class InvitationOut(BaseModel):
    id: uuid.UUID
    note: str
    role: Role
    team: int | None
    created_at: datetime
    expires_at: datetime

    @classmethod
    def of(cls, invitation: Invitation) -> "InvitationOut":
        """Return an invitation as the API shows it."""
        return cls.model_validate({**vars(invitation), "team": invitation.team_id})


class InvitationLinkOut(InvitationOut):
    """An invitation with its link, which works once and is not shown again."""

    link: str


class InvitationsOut(BaseModel):
    """Those that can still be accepted, newest first."""

    items: list[InvitationOut]


class OrganizationChange(Incoming):
    require_totp: bool


class OrganizationOut(BaseModel):
    id: uuid.UUID
    name: str
    require_totp: bool
    created_at: datetime


@operation("GET", "me", answer=MeOut)
def read_me(ask: Ask) -> MeOut:
    """Read as whom the token acts, and what that person may do where."""
    places = [
        PlaceOut(
            organization=held.organization_id,
            organization_name=held.organization.name,
            role=Role(held.role),
            team=held.team_id,
            rights=sorted(RIGHTS[Role(held.role)]),
        )
        for held in memberships_of(ask.actor)
    ]
    return MeOut(id=ask.actor.pk, username=ask.actor.username, operator=operates(ask.actor), places=places)


@operation("GET", "organization", answer=OrganizationOut)
def read_organization(ask: Ask) -> OrganizationOut:
    """Read the organization that one administers."""
    return OrganizationOut.model_validate(_house(ask), from_attributes=True)


@operation("PATCH", "organization", body=OrganizationChange, answer=OrganizationOut)
def change_organization(ask: Ask) -> OrganizationOut:
    """Require a second factor of every member, or no longer."""
    house = _house(ask)
    members.require_totp(organization=house, required=ask.body.require_totp, actor=ask.actor)
    house.refresh_from_db()
    return OrganizationOut.model_validate(house, from_attributes=True)


@operation("GET", "members", answer=MembersOut)
def list_members(ask: Ask) -> MembersOut:
    """List the members of the organization that one administers."""
    return MembersOut(items=[MemberOut.of(member) for member in members_of(_house(ask))])


@operation("PATCH", "members/{membership_id}", body=MemberChange, answer=MemberOut)
def change_member(ask: Ask) -> MemberOut:
    """Give a member another role or team."""
    member, said = _member(ask), ask.body.model_fields_set
    team = _team(ask, ask.body.team) if "team" in said else member.team
    role = ask.body.role or Role(member.role)
    members.change_member(membership=member, role=role, team=team, actor=ask.actor)
    return MemberOut.of(_member(ask))


@operation("POST", "members/{membership_id}/disable", answer=MemberOut)
def disable_member(ask: Ask) -> MemberOut:
    """Take a member out at once; with the last membership go sessions and tokens."""
    members.disable_member(membership=_member(ask), actor=ask.actor)
    return MemberOut.of(_member(ask))


@operation("POST", "members/{membership_id}/enable", answer=MemberOut)
def enable_member(ask: Ask) -> MemberOut:
    """Let a member in again."""
    members.enable_member(membership=_member(ask), actor=ask.actor)
    return MemberOut.of(_member(ask))


@operation("GET", "teams", answer=TeamsOut)
def list_teams(ask: Ask) -> TeamsOut:
    """List the teams of the organization that one administers."""
    return TeamsOut(items=[_team_out(team) for team in teams_of(_house(ask))])


@operation("POST", "teams", body=TeamIn, answer=TeamOut, status=201)
def create_team(ask: Ask) -> TeamOut:
    """Add a team."""
    return _team_out(members.add_team(organization=_house(ask), name=ask.body.name, actor=ask.actor))


@operation("DELETE", "teams/{team_id}", status=204)
def remove_team(ask: Ask) -> None:
    """Remove a team that nobody is in and that has no templates."""
    members.remove_team(team=access_team(ask.actor, ask.ids["team_id"]), actor=ask.actor)


@operation("GET", "invitations", answer=InvitationsOut)
def list_invitations(ask: Ask) -> InvitationsOut:
    """List the invitations that can still be accepted."""
    return InvitationsOut(items=[InvitationOut.of(one) for one in open_invitations(_house(ask))])


@operation("POST", "invitations", body=InvitationIn, answer=InvitationLinkOut, status=201, repeatable=False)
def create_invitation(ask: Ask) -> InvitationLinkOut:
    """Invite somebody and return the link, which is not shown again."""
    house, body = _house(ask), ask.body
    token = invitations.invite(
        organization=house, note=body.note, role=body.role, team=_team(ask, body.team), actor=ask.actor
    )
    made = InvitationOut.of(invited(token))
    link = ask.request.build_absolute_uri(reverse("members:join", args=[token]))
    return InvitationLinkOut(**made.model_dump(), link=link)


@operation("DELETE", "invitations/{invitation_id}", status=204)
def withdraw_invitation(ask: Ask) -> None:
    """Make the link of an invitation useless."""
    invitations.withdraw(invitation=access_invitation(ask.actor, ask.ids["invitation_id"]), actor=ask.actor)


def _house(ask: Ask) -> Organization:
    return access_organizations(ask.actor, [Right.MANAGE_MEMBERS])[0]


def _member(ask: Ask) -> Membership:
    return access_membership(ask.actor, ask.ids["membership_id"])


def _team(ask: Ask, team_id: int | None) -> Team | None:
    return None if team_id is None else access_team(ask.actor, team_id)


def _team_out(team: Team) -> TeamOut:
    return TeamOut(id=team.pk, name=team.name)
