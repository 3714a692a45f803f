"""The operations on action items: the inbox across calls, and what is done with one."""

import uuid
from datetime import date, datetime, time
from typing import Literal

from django.http import Http404
from pydantic import BaseModel, Field

from apps.accounts.models import User
from apps.actions.models import Action, ActionEvent
from apps.actions.selectors import ActionFilter, access_action, access_actions, history_of, members, narrow
from apps.actions.services import assign_action, finish_action, record_inbox, reopen_action, set_due
from apps.api.operations import Ask, Incoming, operation
from apps.api.shapes import PageQuery
from apps.core.cursor import page_after


class ActionsQuery(PageQuery):
    """`whose` is mine (given to me, or nobody's in my own calls) or nobody; `due` late, today, week or none."""

    whose: Literal["", "mine", "nobody"] = ""
    state: Literal["", "open", "done"] = ""
    due: Literal["", "late", "today", "week", "none"] = ""


class ActionIn(Incoming):
    """What is to change; what is left out stays. A null assignee or day takes it away."""

    done: bool | None = None
    assignee: uuid.UUID | None = Field(default=None, strict=False)
    due_on: date | None = Field(default=None, strict=False)


class ActionOut(BaseModel):
    """`evidence` holds numbers of transcript segments; `dropped` tells that the summary names it no more."""

    id: uuid.UUID
    call: uuid.UUID
    who: str
    what: str
    when: str
    evidence: list[int]
    due_on: date | None
    due_time: time | None
    assignee: uuid.UUID | None
    done_at: datetime | None
    dropped: bool
    created_at: datetime

    @classmethod
    def of(cls, action: Action) -> "ActionOut":
        """Return `action` as the API shows it."""
        names = ("who", "what", "when", "evidence", "due_on", "due_time", "done_at", "created_at")
        return cls(
            id=action.pk,
            call=action.call_id,
            assignee=action.assignee_id,
            dropped=action.dropped_at is not None,
            **{name: getattr(action, name) for name in names},
        )


class EventOut(BaseModel):
    """`kind` is assigned, due, done or reopened; `assignee` and `due_on` hold what was set, null when taken away."""

    kind: str
    at: datetime
    actor: uuid.UUID | None
    assignee: uuid.UUID | None
    due_on: date | None

    @classmethod
    def of(cls, event: ActionEvent) -> "EventOut":
        """Return an event as the API shows it."""
        return cls.model_validate({**vars(event), "actor": event.actor_id, "assignee": event.assignee_id})


class EventsOut(BaseModel):
    items: list[EventOut]


class AssigneeOut(BaseModel):
    id: uuid.UUID
    username: str


class AssigneesOut(BaseModel):
    items: list[AssigneeOut]


class ActionsOut(BaseModel):
    """One page; `next_cursor` is empty on the last."""

    items: list[ActionOut]
    next_cursor: str


@operation("GET", "actions", query=ActionsQuery, answer=ActionsOut)
def list_actions(ask: Ask) -> ActionsOut:
    """List the action items of all calls, newest first."""
    record_inbox(actor=ask.actor)
    wanted = ActionFilter(whose=ask.query.whose, state=ask.query.state, due=ask.query.due)
    found = narrow(access_actions(ask.actor), ask.actor, wanted).order_by("-created_at", "pk")
    actions, following = page_after(found, ask.query.cursor, ask.query.limit)
    return ActionsOut(items=[ActionOut.of(action) for action in actions], next_cursor=following)


@operation("GET", "actions/{action_id}", answer=ActionOut)
def read_action(ask: Ask) -> ActionOut:
    """Read one action item."""
    return ActionOut.of(access_action(ask.actor, ask.ids["action_id"]))


@operation("GET", "actions/{action_id}/history", answer=EventsOut)
def read_action_history(ask: Ask) -> EventsOut:
    """Read what people did with an action item, newest first."""
    events = history_of(access_action(ask.actor, ask.ids["action_id"]))
    return EventsOut(items=[EventOut.of(event) for event in events])


@operation("GET", "actions/{action_id}/assignees", answer=AssigneesOut)
def list_assignees(ask: Ask) -> AssigneesOut:
    """List to whom an action item can be given, by name."""
    action = access_action(ask.actor, ask.ids["action_id"])
    return AssigneesOut(items=[AssigneeOut(id=one.pk, username=one.username) for one in members(action)])


@operation("PATCH", "actions/{action_id}", body=ActionIn, answer=ActionOut)
def change_action(ask: Ask) -> ActionOut:
    """Mark an action item done or not, give it to a member, or set the day it is due."""
    action, said = access_action(ask.actor, ask.ids["action_id"]), ask.body.model_fields_set
    if "assignee" in said:
        assign_action(action=action, assignee=_member(action, ask.body.assignee), actor=ask.actor)
    if "due_on" in said:
        set_due(action=action, due_on=ask.body.due_on, actor=ask.actor)
    if ask.body.done is not None:
        (finish_action if ask.body.done else reopen_action)(action=action, actor=ask.actor)
    action.refresh_from_db()
    return ActionOut.of(action)


def _member(action: Action, key: uuid.UUID | None) -> User | None:
    if key is None:
        return None
    member = members(action).filter(pk=key).first()
    if member is None:
        raise Http404("no such member")
    return member
