"""Change actions: bring a call's rows in line with its shown summary, and what people do with them.

A summary may be made again or corrected; a row is found again by its words, else by the lines it rests on. Nothing that
a person did is lost: a row that was touched and is named no more stays, marked as dropped.
"""

import uuid
from collections.abc import Sequence
from datetime import date
from difflib import SequenceMatcher

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.selectors import organization_ids
from apps.accounts.services import log_access, log_access_to_many
from apps.actions.due import read_due
from apps.actions.models import Action, ActionEvent
from apps.calls.models import Call
from apps.search.services import index_call
from apps.summaries.shown import current_by_call
from workers.contracts.summary import ActionItem, CallSummary

# Two spellings of one item share at least this much of their letters, when they rest on a common line.
_ALIKE = 0.4


@transaction.atomic
def sync_actions(*, call_id: uuid.UUID) -> None:
    """Bring the actions of a call in line with the summary that is shown. Unsupported items are no actions."""
    call = Call.objects.select_for_update().get(pk=call_id)
    shown = current_by_call([call_id]).get(call_id)
    items = CallSummary.model_validate(shown.content).actions if shown else ()
    wanted = [item for item in items if item.supported and item.what.strip()]
    rows = list(Action.objects.filter(call=call).prefetch_related("events").order_by("number", "created_at"))
    pairs = _paired(rows, wanted)
    for number, (item, row) in enumerate(zip(wanted, pairs, strict=True), 1):
        _write(row or Action(call=call, organization_id=call.organization_id), number, item, call)
    kept = {row.pk for row in pairs if row}
    for row in rows:
        if row.pk not in kept:
            _let_go(row)


def _paired(rows: Sequence[Action], items: Sequence[ActionItem]) -> list[Action | None]:
    """Return the row that belongs to each item: one of the same words, else the most alike with a common line."""
    free, pairs = list(rows), dict[int, Action]()

    def take(index: int, row: Action | None) -> None:
        if row is not None:
            pairs[index] = row
            free.remove(row)

    for index, item in enumerate(items):
        take(index, _same(free, item))
    for index, item in enumerate(items):
        if index not in pairs:
            take(index, _alike(free, item))
    return [pairs.get(index) for index in range(len(items))]


def _same(rows: Sequence[Action], item: ActionItem) -> Action | None:
    same = [row for row in rows if _plain(row.what) == _plain(item.what)]
    return max(same, key=lambda row: len(set(row.evidence) & set(item.evidence)), default=None)


def _alike(rows: Sequence[Action], item: ActionItem) -> Action | None:
    near = [(_likeness(row.what, item.what), row) for row in rows if set(row.evidence) & set(item.evidence)]
    likeness, row = max(near, key=lambda pair: pair[0], default=(0.0, None))
    return row if likeness >= _ALIKE else None


def _likeness(one: str, other: str) -> float:
    return SequenceMatcher(None, _plain(one), _plain(other), autojunk=False).ratio()


def _plain(text: str) -> str:
    return "".join(text.split())


def _write(row: Action, number: int, item: ActionItem, call: Call) -> None:
    when = item.when or ""
    if row.when != when and not _has(row, ActionEvent.Kind.DUE):
        due = read_due(when, timezone.localdate(call.happened_at))
        row.due_on, row.due_time = due.on, due.at
    row.number, row.who, row.what, row.when = number, item.who, item.what, when
    row.evidence, row.dropped_at = list(item.evidence), None
    row.save()


def _has(row: Action, kind: ActionEvent.Kind) -> bool:
    return not row._state.adding and any(event.kind == kind for event in row.events.all())


def _let_go(row: Action) -> None:
    if not row.events.all():
        row.delete()
    elif row.dropped_at is None:
        Action.objects.filter(pk=row.pk).update(dropped_at=timezone.now())


@transaction.atomic
def finish_action(*, action: Action, actor: User) -> None:
    """Mark an action done; one that is done already stays as it is."""
    if Action.objects.filter(pk=action.pk, done_at=None).update(done_at=timezone.now()):
        _note(action, actor, ActionEvent.Kind.DONE)


@transaction.atomic
def reopen_action(*, action: Action, actor: User) -> None:
    """Mark an action not done after all; an open one stays as it is."""
    if Action.objects.filter(pk=action.pk, done_at__isnull=False).update(done_at=None):
        _note(action, actor, ActionEvent.Kind.REOPENED)


@transaction.atomic
def assign_action(*, action: Action, assignee: User | None, actor: User) -> None:
    """Give an action to a member of its organization, or to nobody. That it is a member is the caller's to check."""
    Action.objects.filter(pk=action.pk).update(assignee=assignee)
    _note(action, actor, ActionEvent.Kind.ASSIGNED, assignee=assignee)


@transaction.atomic
def set_due(*, action: Action, due_on: date | None, actor: User) -> None:
    """Set the day an action is due, or take it away. From then on the summary's words no longer change it."""
    Action.objects.filter(pk=action.pk).update(due_on=due_on, due_time=None)
    _note(action, actor, ActionEvent.Kind.DUE, due_on=due_on)


def record_inbox(*, actor: User) -> None:
    """Note in the log of each organization of `actor` that they read what is to do, which calls say."""
    houses = [(key, key) for key in organization_ids(actor)]
    log_access_to_many(actor=actor, action="read_actions", kind="organization", objects=houses)


def _note(action: Action, actor: User, kind: ActionEvent.Kind, **values: User | date | None) -> None:
    ActionEvent.objects.create(action=action, actor=actor, kind=kind, **values)
    organization_id = action.organization_id
    log_access(
        actor=actor, organization_id=organization_id, action=f"action_{kind}", kind="action", object_id=action.pk
    )
    if kind in (ActionEvent.Kind.DONE, ActionEvent.Kind.REOPENED):
        index_call(call_id=action.call_id)
