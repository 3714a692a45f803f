"""Make an API token for a person."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.accounts.models import Organization, Scope, User
from apps.accounts.selectors import memberships_of
from apps.accounts.services import create_token

MAX_DAYS = 3660


class Command(BaseCommand):
    help = "Print a new API token with which a program acts as a person. It is shown this once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare whose token, what for, and for how long."""
        parser.add_argument("username")
        parser.add_argument("--name", default="token")
        parser.add_argument("--scopes", nargs="+", choices=Scope.values, default=[Scope.READ.value])
        parser.add_argument("--days", type=int, default=90)
        parser.add_argument("--organization", help="where it works, for a person in several")

    def handle(self, *_: Any, username: str, **options: Any) -> None:
        """Make the token.

        Raises:
            CommandError: there is no such person, they are no member there, or the time is out of range.
        """
        user = User.objects.filter(username=username).first()
        if user is None:
            raise CommandError(f"there is no user {username!r}")
        if not 0 < options["days"] <= MAX_DAYS:
            raise CommandError(f"--days is {options['days']}; 1 to {MAX_DAYS} are allowed")
        scopes = [Scope(scope) for scope in options["scopes"]]
        house = self._house(user, options["organization"])
        self.stdout.write(
            create_token(user=user, name=options["name"], scopes=scopes, days=options["days"], organization=house)
        )

    def _house(self, user: User, name: str | None) -> Organization | None:
        if not name:
            return None
        held = memberships_of(user).filter(organization__name=name).first()
        if held is None:
            raise CommandError(f"{user.username!r} is no member of {name!r}")
        return held.organization
