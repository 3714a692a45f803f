"""What every page asks of the person who looks at it. Read when a template asks, and once for a page."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from apps.accounts.models import Organization, User
from apps.accounts.roles import CALL_RIGHTS
from apps.accounts.selectors import held_by, rights_of
from apps.webhooks.selectors import has_broken


def person(request: HttpRequest) -> dict[str, Any]:
    """Return `rights`, what the person may do, `broken_webhook`, whether one of theirs was stopped without them, and
    `workplaces`, their organizations, each with whether they work in it now.

    The rights are the names of `Right`, and "calls" for any right to calls.
    """
    user = getattr(request, "user", None)
    if not isinstance(user, User):
        return {"rights": frozenset(), "broken_webhook": False, "workplaces": []}
    return {
        "rights": SimpleLazyObject(lambda: _rights(user)),
        "broken_webhook": SimpleLazyObject(lambda: has_broken(user)),
        "workplaces": SimpleLazyObject(lambda: _workplaces(user)),
    }


def _rights(user: User) -> frozenset[str]:
    held = rights_of(user)
    return frozenset({*held, "calls"} if held & CALL_RIGHTS else held)


def _workplaces(user: User) -> list[tuple[Organization, bool]]:
    held = [membership.organization for membership in held_by(user)]
    now = next((each for each in held if each.pk == user.working_in), held[0] if held else None)
    return [(each, each == now) for each in held]
