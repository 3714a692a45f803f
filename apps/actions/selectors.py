"""Read actions through the acting person: those of the calls they may see, and those given to them.

Who is given an action of a call they may not see reads its words and nothing else of the call.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from django.db.models import Count, F, Q, QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.selectors import organization_ids, within_reach, working_members
from apps.actions.models import Action, ActionEvent
from apps.calls.models import Call
from apps.calls.selectors import access_calls


@dataclass(frozen=True)
class ActionFilter:
    """What is looked for. `whose` is mine, nobody or "" for all; `state` open, done or "" for all; `due` late, today,
    week (the next seven days) or none."""

    whose: str = ""
    state: str = ""
    due: str = ""


def access_actions(actor: User) -> QuerySet[Action]:
    """Return the actions `actor` may see and change, with call and assignee, in no order."""
    given = Q(organization_id__in=organization_ids(actor), assignee=actor)
    return Action.objects.filter(within_reach(actor, "call__") | given).select_related("call", "assignee")


def access_action(actor: User, action_id: UUID) -> Action:
    """Return one action with its history's people, or raise Http404."""
    return get_object_or_404(access_actions(actor), pk=action_id)


def find_actions(actor: User, wanted: ActionFilter) -> QuerySet[Action]:
    """Return what `wanted` describes: open ones by the day they are due, done ones by when they were."""
    last = F("done_at").desc() if wanted.state == "done" else F("due_on").asc(nulls_last=True)
    ordered = (last, F("due_time").asc(nulls_last=True), "-call__happened_at", "number", "pk")
    return narrow(access_actions(actor), actor, wanted).order_by(*ordered)


def narrow(actions: QuerySet[Action], actor: User, wanted: ActionFilter) -> QuerySet[Action]:
    """Return those of `actions` that `wanted` describes."""
    if wanted.whose:
        actions = actions.filter(_mine(actor) if wanted.whose == "mine" else Q(assignee=None))
    if wanted.state:
        actions = actions.filter(done_at__isnull=wanted.state == "open")
    if wanted.due:
        actions = actions.filter(_due(wanted.due, timezone.localdate()))
    return actions


def _mine(actor: User) -> Q:
    """Return what `actor` is to do: what was given to them, and what nobody took of their own calls."""
    return Q(assignee=actor) | Q(assignee=None, call__created_by=actor)


def _due(due: str, today: date) -> Q:
    days = {
        "late": Q(due_on__lt=today),
        "today": Q(due_on=today),
        "week": Q(due_on__gte=today, due_on__lt=today + timedelta(days=7)),
        "none": Q(due_on=None),
    }
    return days[due]


@dataclass(frozen=True)
class ActionCounts:
    """How many open actions there are: all that the person may see, theirs, and of theirs those late or due today."""

    open: int
    mine: int
    late: int
    today: int


def count_actions(actor: User) -> ActionCounts:
    """Return the counts for `actor`, in one query beside those that tell who they are."""
    today, mine = timezone.localdate(), _mine(actor)
    counted = (
        access_actions(actor)
        .filter(done_at=None)
        .aggregate(
            open=Count("pk"),
            mine=Count("pk", filter=mine),
            late=Count("pk", filter=mine & _due("late", today)),
            today=Count("pk", filter=mine & _due("today", today)),
        )
    )
    return ActionCounts(**counted)


def visible_calls(actor: User, actions: list[Action]) -> set[UUID]:
    """Return which calls of `actions` the person may open."""
    calls = Call.objects.filter(pk__in=access_calls(actor).order_by(), actions__in=actions)
    return set(calls.values_list("pk", flat=True))


def members(action: Action) -> QuerySet[User]:
    """Return to whom `action` can be given: who works on calls of its organization, by name."""
    return working_members(action.organization_id)


def history_of(action: Action) -> QuerySet[ActionEvent]:
    """Return what people did with `action`, newest first, for callers that hold it by right."""
    return action.events.select_related("actor", "assignee").order_by("-at", "-pk")
