"""The companies of the showroom and their people."""

from dataclasses import dataclass

from apps.accounts.models import Membership, Organization, Role, Team, User
from tests.people import PASSWORD


@dataclass(frozen=True)
class House:
    """A company and its people by name."""

    organization: Organization
    people: dict[str, User]

    @property
    def admin(self) -> User:
        return next(iter(self.people.values()))


def make_house(name: str, *people: tuple[str, str]) -> House:
    organization = Organization.objects.create(name=name)
    team = Team.objects.create(organization=organization, name="고객상담 1팀")
    made = {}
    for username, role in people:
        user = User.objects.create_user(username, password=PASSWORD, is_operator=role == "admin")
        user.is_staff = user.is_superuser = role == "admin"
        user.save()
        own_team = team if role in ("agent", "reviewer") else None
        Membership.objects.create(user=user, organization=organization, role=Role(role), team=own_team)
        made[username] = user
    return House(organization, made)
