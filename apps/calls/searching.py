"""Search calls and say so in the access log: the one way in which lists, exports and programs look for words."""

from datetime import datetime

from django.db.models import QuerySet

from apps.accounts.models import User
from apps.accounts.selectors import organization_ids
from apps.accounts.services import log_access_to_many
from apps.calls.filters import CallFilter
from apps.calls.models import Call
from apps.calls.selectors import find_calls


def search_calls(*, actor: User, wanted: CallFilter, as_of: datetime | None = None) -> QuerySet[Call]:
    """Return what `find_calls` finds. A search for words is noted in the log of every organization that it reaches,
    without the words."""
    if wanted.text:
        houses = [(key, key) for key in organization_ids(actor)]
        log_access_to_many(actor=actor, action="search_calls", kind="organization", objects=houses)
    return find_calls(actor, wanted, as_of=as_of)
