"""The page on which administrators look after members, teams and invitations. Queries and changes are elsewhere."""

import uuid
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from apps.accounts import invitations, members
from apps.accounts.forms import InvitationForm, PlaceForm, TeamForm
from apps.accounts.models import Membership, Organization, Team
from apps.accounts.roles import Right
from apps.accounts.selectors import (
    access_invitation,
    access_managed,
    access_membership,
    access_organizations,
    access_team,
    members_of,
    open_invitations,
    teams_of,
)
from apps.core.feedback import refusals_as_messages, see_other
from apps.core.people import person


@require_safe
def list_members(request: HttpRequest) -> HttpResponse:
    """Show the members, teams and open invitations of each organization the person administers."""
    houses = access_organizations(person(request), [Right.MANAGE_MEMBERS])
    return render(request, "members/list.html", {"houses": [_house(house) for house in houses]})


def _house(house: Organization) -> dict[str, Any]:
    teams = teams_of(house)
    return {
        "organization": house,
        "members": [(member, _place_form(teams, member)) for member in members_of(house)],
        "teams": teams,
        "invitations": open_invitations(house),
        "invite": InvitationForm(teams=teams, prefix=f"i{house.pk}"),
        "team_form": TeamForm(auto_id=f"team-{house.pk}-%s"),
    }


def _place_form(teams: list[Team], member: Membership) -> PlaceForm:
    start = {"role": member.role, "team": member.team_id or ""}
    return PlaceForm(teams=teams, initial=start, auto_id=f"m{member.pk}-%s")


@require_POST
@refusals_as_messages("members:list")
def change(request: HttpRequest, membership_id: int) -> HttpResponse:
    """Give a member another role or team."""
    actor = person(request)
    membership = access_membership(actor, membership_id)
    form = PlaceForm(request.POST, teams=teams_of(membership.organization))
    if form.is_valid():
        members.change_member(membership=membership, actor=actor, **form.cleaned_data)
        messages.success(request, _("%(name)s 님의 역할과 팀을 바꿨습니다.") % {"name": membership.user.username})
    return _done(request, form)


@require_POST
@refusals_as_messages("members:list")
def disable(request: HttpRequest, membership_id: int) -> HttpResponse:
    """Take a member out at once."""
    actor = person(request)
    membership = access_membership(actor, membership_id)
    members.disable_member(membership=membership, actor=actor)
    messages.success(request, _("%(name)s 님의 사용을 중지했습니다.") % {"name": membership.user.username})
    return see_other("members:list")


@require_POST
def enable(request: HttpRequest, membership_id: int) -> HttpResponse:
    """Let a member in again."""
    actor = person(request)
    membership = access_membership(actor, membership_id)
    members.enable_member(membership=membership, actor=actor)
    messages.success(request, _("%(name)s 님이 다시 로그인할 수 있습니다.") % {"name": membership.user.username})
    return see_other("members:list")


@require_POST
@never_cache
@refusals_as_messages("members:list")
def invite(request: HttpRequest, organization_id: uuid.UUID) -> HttpResponse:
    """Make an invitation and show its link, this once."""
    actor = person(request)
    house = access_managed(actor, organization_id)
    form = InvitationForm(request.POST, teams=teams_of(house), prefix=f"i{house.pk}")
    if not form.is_valid():
        return _done(request, form)
    token = invitations.invite(organization=house, actor=actor, **form.cleaned_data)
    link = request.build_absolute_uri(reverse("members:join", args=[token]))
    context = {"link": link, "note": form.cleaned_data["note"], "days": invitations.DAYS, "organization": house}
    return render(request, "members/invited.html", context, status=201)


@require_POST
def withdraw(request: HttpRequest, invitation_id: uuid.UUID) -> HttpResponse:
    """Make the link of an invitation useless."""
    actor = person(request)
    invitations.withdraw(invitation=access_invitation(actor, invitation_id), actor=actor)
    messages.success(request, _("초대를 취소했습니다."))
    return see_other("members:list")


@require_POST
@refusals_as_messages("members:list")
def add_team(request: HttpRequest, organization_id: uuid.UUID) -> HttpResponse:
    """Add a team."""
    actor = person(request)
    house = access_managed(actor, organization_id)
    form = TeamForm(request.POST)
    if form.is_valid():
        members.add_team(organization=house, actor=actor, **form.cleaned_data)
    return _done(request, form)


@require_POST
@refusals_as_messages("members:list")
def remove_team(request: HttpRequest, team_id: int) -> HttpResponse:
    """Remove a team that nobody is in."""
    actor = person(request)
    members.remove_team(team=access_team(actor, team_id), actor=actor)
    return see_other("members:list")


@require_POST
def require_totp(request: HttpRequest, organization_id: uuid.UUID) -> HttpResponse:
    """Require a second factor of every member, or with ``required=`` empty no longer."""
    actor = person(request)
    house = access_managed(actor, organization_id)
    required = bool(request.POST.get("required"))
    members.require_totp(organization=house, required=required, actor=actor)
    said = _("이제 모든 구성원이 2단계 인증을 써야 합니다.") if required else _("2단계 인증을 선택에 맡깁니다.")
    messages.success(request, said)
    return see_other("members:list")


def _done(request: HttpRequest, form: forms.Form) -> HttpResponse:
    for field, errors in form.errors.items():
        messages.error(request, f"{form.fields[field].label}: {' '.join(map(str, errors))}")
    return see_other("members:list")
