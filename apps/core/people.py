"""Give views the acting person with the right type, and where they work. Knows no permissions."""

from uuid import UUID

from django.http import Http404, HttpRequest

from apps.accounts.models import User
from apps.accounts.selectors import memberships_of

# What the session calls the chosen organization.
HOUSE = "organization"


def person(request: HttpRequest) -> User:
    """Return who is signed in.

    Raises:
        Http404: nobody is; the login middleware stops such requests before.
    """
    if not isinstance(request.user, User):
        raise Http404("nobody is signed in")
    request.user.working_in = _chosen_house(request)
    return request.user


def reader(request: HttpRequest) -> User:
    """Return who is signed in, for a page that changes nothing and is written at once.

    It asks many times who the person is; the memberships are read once.
    """
    actor = person(request)
    actor.held = list(memberships_of(actor))
    return actor


def _chosen_house(request: HttpRequest) -> UUID | None:
    """Return the organization that the person chose in the head of the page; whether it is theirs is asked later."""
    chosen = request.session.get(HOUSE)
    return UUID(chosen) if chosen else None
