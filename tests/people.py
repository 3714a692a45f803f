"""Two organizations with every role, so that an access test can always ask with a stranger."""

from dataclasses import dataclass

from apps.accounts.models import Membership, Organization, Role, Team, User

PASSWORD = "correct horse battery"


@dataclass(frozen=True)
class House:
    organization: Organization
    agent: User
    colleague: User
    reviewer: User
    admin: User
    auditor: User
    operator: User


@dataclass(frozen=True)
class TwoHouses:
    ours: House
    theirs: House


def make_two_houses() -> TwoHouses:
    """Return two organizations that must never see each other."""
    return TwoHouses(_house("가람통신"), _house("다온보험"))


def _house(name: str) -> House:
    organization = Organization.objects.create(name=name)

    def person(title: str, role: Role) -> User:
        user = User.objects.create_user(f"{name}-{title}", password=PASSWORD)
        Membership.objects.create(user=user, organization=organization, role=role)
        return user

    return House(
        organization,
        agent=person("agent", Role.AGENT),
        colleague=person("colleague", Role.AGENT),
        reviewer=person("reviewer", Role.REVIEWER),
        admin=person("admin", Role.ADMIN),
        auditor=person("auditor", Role.AUDITOR),
        operator=User.objects.create_user(f"{name}-operator", password=PASSWORD, is_operator=True),
    )


def other_teams_reviewer(house: House) -> User:
    """Return a reviewer of a team in which nobody else works."""
    team = Team.objects.create(organization=house.organization, name="다른 팀")
    reviewer = User.objects.create_user(f"{house.organization}-other-reviewer", password=PASSWORD)
    Membership.objects.create(user=reviewer, organization=house.organization, role=Role.REVIEWER, team=team)
    return reviewer
