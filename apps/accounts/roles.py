"""Which role may do what: the whole of it, in one table. Knows no people and no database; the selectors ask here."""

from collections.abc import Mapping
from enum import StrEnum

from apps.accounts.models import Role


class Right(StrEnum):
    """What a member may do in an organization. The three rights to calls are those to see and to work on them;
    setting up is making summary templates and webhooks."""

    OWN_CALLS = "own_calls"
    TEAM_CALLS = "team_calls"
    ALL_CALLS = "all_calls"
    TRAIN = "train"
    SET_UP = "set_up"
    MANAGE_MEMBERS = "manage_members"
    READ_ACCESS_LOG = "read_access_log"


CALL_RIGHTS = frozenset({Right.OWN_CALLS, Right.TEAM_CALLS, Right.ALL_CALLS})

# An operator is not in this table: running the installation is a mark of the person and belongs to no organization.
RIGHTS: Mapping[Role, frozenset[Right]] = {
    Role.AGENT: frozenset({Right.OWN_CALLS}),
    Role.REVIEWER: frozenset({Right.OWN_CALLS, Right.TEAM_CALLS}),
    Role.ADMIN: frozenset({Right.ALL_CALLS, Right.TRAIN, Right.SET_UP, Right.MANAGE_MEMBERS, Right.READ_ACCESS_LOG}),
    Role.AUDITOR: frozenset({Right.READ_ACCESS_LOG}),
}


def roles_with(rights: frozenset[Right]) -> list[Role]:
    """Return the roles that hold at least one of `rights`."""
    return [role for role, held in RIGHTS.items() if held & rights]
