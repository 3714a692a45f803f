"""Members as their administrator looks after them, through the pages: invite, join, change, disable, teams."""

import re

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import AccessLog, Invitation, Membership, Role, Team, User
from tests.apps.api.asking import Program
from tests.calls import finished_call
from tests.people import PASSWORD, House, TwoHouses

NEW = {"username": "새사람", "password1": "nine lives of a cat", "password2": "nine lives of a cat"}


def _client(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def _membership(user: User) -> Membership:
    return Membership.objects.get(user=user)


def _invite(house: House, **fields: str) -> str:
    """Invite through the page and return the address in the link."""
    prefix = f"i{house.organization.pk}"
    asked = {"note": "새 상담원", "role": "agent", "team": ""} | fields
    address = f"/organizations/{house.organization.pk}/invite/"
    answer = _client(house.admin).post(address, {f"{prefix}-{name}": value for name, value in asked.items()})
    assert answer.status_code == 201 and answer["Cache-Control"].startswith("max-age=0")
    found = re.search(r'id="link" lang="en">http://testserver(/join/[\w-]+/)', answer.content.decode())
    assert found is not None and 'data-copy="link"' in answer.content.decode()
    return found[1]


def _team(house: House, *users: User) -> Team:
    team = Team.objects.create(organization=house.organization, name="1팀")
    Membership.objects.filter(user__in=users).update(team=team)
    return team


def test_a_new_person_joins_by_a_link_that_works_once(houses: TwoHouses, client: Client) -> None:
    link = _invite(houses.ours, role="reviewer")
    assert link.split("/")[2] not in str(list(Invitation.objects.values()))
    assert "검수자" in client.get(link).content.decode()
    answer = client.post(link, NEW)
    assert (answer.status_code, answer["Location"]) == (302, "/")
    member = Membership.objects.get(user__username="새사람")
    assert (member.organization, member.role) == (houses.ours.organization, Role.REVIEWER)
    assert client.get("/calls/").status_code == 200, "the new person is signed in"
    assert Client().get(link).status_code == 410
    assert Client().post(link, NEW | {"username": "또다른"}).status_code == 410
    assert [row.action for row in AccessLog.objects.order_by("pk")] == ["invite_member", "accept_invitation"]


def test_who_has_a_name_here_joins_with_it(houses: TwoHouses) -> None:
    guest = _client(houses.theirs.agent)
    link = _invite(houses.ours)
    assert guest.post(link).status_code == 303
    assert Membership.objects.filter(user=houses.theirs.agent).count() == 2
    again = _invite(houses.ours)
    assert "이미 이 조직의 구성원" in guest.post(again, follow=True).content.decode()


@pytest.mark.parametrize(
    "bad", [{"username": "가람통신-agent"}, {"password2": "x"}, {"password1": "1", "password2": "1"}]
)
def test_a_join_that_cannot_be_says_why(houses: TwoHouses, client: Client, bad: dict[str, str]) -> None:
    answer = client.post(_invite(houses.ours), NEW | bad)
    assert answer.status_code == 422 and "field-error" in answer.content.decode()
    assert Invitation.objects.get().accepted_at is None


def test_a_link_ends_by_time_and_by_hand(houses: TwoHouses, client: Client) -> None:
    link = _invite(houses.ours)
    Invitation.objects.update(expires_at=timezone.now())
    assert client.get(link).status_code == 410
    link = _invite(houses.ours)
    invitation = Invitation.objects.latest("created_at")
    assert _client(houses.ours.admin).post(f"/invitations/{invitation.pk}/withdraw/").status_code == 303
    assert client.post(link, NEW).status_code == 410
    assert not User.objects.filter(username="새사람").exists()


def test_a_disabled_member_is_out_at_once_and_for_good(houses: TwoHouses) -> None:
    agent, program = _client(houses.ours.agent), Program(houses.ours.agent)
    call, key = finished_call(houses.ours), _membership(houses.ours.agent).pk
    admin = _client(houses.ours.admin)
    assert agent.get(call.get_absolute_url()).status_code == 200
    assert admin.post(f"/members/{key}/disable/").status_code == 303
    assert agent.get(call.get_absolute_url())["Location"].startswith("/login/")
    assert program.ask("GET", "/calls").status_code == 401
    login = {"login": houses.ours.agent.username, "password": PASSWORD}
    refused = Client().post("/login/", login)
    assert refused.status_code == 403 and "사용이 중지된" in refused.content.decode()
    admin.post(f"/members/{key}/enable/")
    assert agent.get(call.get_absolute_url()).status_code == 302, "the old session stays ended"
    assert program.ask("GET", "/calls").status_code == 401, "so does the old token"
    assert Client().post("/login/", login)["Location"] == "/"


def test_who_is_disabled_in_one_organization_goes_on_in_another(houses: TwoHouses) -> None:
    both = Membership.objects.create(
        user=houses.ours.agent, organization=houses.theirs.organization, role=Role.REVIEWER
    )
    ours, theirs = finished_call(houses.ours), finished_call(houses.theirs)
    client = _client(houses.ours.agent)
    _client(houses.theirs.admin).post(f"/members/{both.pk}/disable/")
    assert client.get(ours.get_absolute_url()).status_code == 200
    assert client.get(theirs.get_absolute_url()).status_code == 404


def test_an_organization_keeps_an_administrator(houses: TwoHouses) -> None:
    admin, key = _client(houses.ours.admin), _membership(houses.ours.admin).pk
    for address, data in ((f"/members/{key}/disable/", {}), (f"/members/{key}/change/", {"role": "agent"})):
        assert "관리자가 한 명은" in admin.post(address, data, follow=True).content.decode()
    assert _membership(houses.ours.admin).role == Role.ADMIN
    admin.post(f"/members/{_membership(houses.ours.agent).pk}/change/", {"role": "admin"})
    admin.post(f"/members/{key}/change/", {"role": "auditor"})
    assert _membership(houses.ours.admin).role == Role.AUDITOR
    assert admin.get("/members/").status_code == 404, "it counts from the next request on"


def test_a_reviewer_reads_the_calls_of_the_agents_of_the_team(houses: TwoHouses) -> None:
    house = houses.ours
    mine, others = finished_call(house, house.agent, "우리 팀"), finished_call(house, house.colleague, "다른 팀")
    reviewer = _client(house.reviewer)
    assert reviewer.get(others.get_absolute_url()).status_code == 200, "without a team: the organization"
    _team(house, house.reviewer, house.agent)
    for call, status in ((mine, 200), (others, 404)):
        assert reviewer.get(call.get_absolute_url()).status_code == status
        assert reviewer.get(f"{call.get_absolute_url()}export.txt").status_code == status
        assert Program(house.reviewer).ask("GET", f"/calls/{call.pk}").status_code == status
    listed = reviewer.get("/calls/").content.decode()
    assert "우리 팀" in listed and "다른 팀" not in listed


def test_teams_are_made_given_and_removed(houses: TwoHouses) -> None:
    admin, house = _client(houses.ours.admin), houses.ours.organization
    for _ in range(2):
        page = admin.post(f"/organizations/{house.pk}/teams/", {"name": "야간"}, follow=True).content.decode()
    assert "같은 이름의 팀이 이미 있습니다: 야간" in page
    team, member = Team.objects.get(), _membership(houses.ours.agent)
    admin.post(f"/members/{member.pk}/change/", {"role": "agent", "team": team.pk})
    assert "1명 있어" in admin.post(f"/teams/{team.pk}/remove/", follow=True).content.decode()
    admin.post(f"/members/{member.pk}/change/", {"role": "agent", "team": ""})
    admin.post(f"/teams/{team.pk}/remove/")
    assert not Team.objects.exists()


@pytest.mark.parametrize("data", [{"role": "owner"}, {"role": ""}, {"role": "agent", "team": "x"}])
def test_a_place_that_is_not_there_changes_nothing(houses: TwoHouses, data: dict[str, str]) -> None:
    member = _membership(houses.ours.reviewer)
    foreign = Team.objects.create(organization=houses.theirs.organization, name="남의 팀")
    for sent in (data, {"role": "agent", "team": str(foreign.pk)}):
        page = _client(houses.ours.admin).post(f"/members/{member.pk}/change/", sent, follow=True)
        assert page.status_code == 200 and "message error" in page.content.decode()
    assert _membership(houses.ours.reviewer).role == Role.REVIEWER
