"""The inbox of action items across calls, and the page of one with its history."""

import uuid
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from apps.actions.forms import ActionFilterForm, AssignForm, DueForm
from apps.actions.models import Action
from apps.actions.selectors import access_action, count_actions, find_actions, history_of, members, visible_calls
from apps.actions.services import assign_action, finish_action, record_inbox, reopen_action, set_due
from apps.core.feedback import back
from apps.core.paging import page_of
from apps.core.people import person
from apps.summaries.shown import titles_by_call


@require_safe
def list_actions(request: HttpRequest) -> HttpResponse:
    """Show the actions of all calls, mine and open ones unless asked otherwise."""
    actor, form = person(request), ActionFilterForm(request.GET)
    record_inbox(actor=actor)
    page = page_of(request, find_actions(actor, form.wanted()))
    chosen = form.chosen()
    context = {
        "page": page,
        "visible": visible_calls(actor, list(page.object_list)),
        "titles": titles_by_call(action.call_id for action in page.object_list),
        "counts": count_actions(actor),
        "filter": form,
        "chosen": chosen,
        "tabs": [(label, value == chosen["whose"], form.query(whose=value)) for value, label in form.WHOSE],
        "query": form.query(),
        "today": timezone.localdate(),
    }
    return render(request, "actions/list.html", context)


@require_safe
def show_action(request: HttpRequest, action_id: uuid.UUID) -> HttpResponse:
    """Show one action: whose it is, until when, and what was done with it."""
    actor = person(request)
    action = access_action(actor, action_id)
    context = {
        "action": action,
        "visible": visible_calls(actor, [action]),
        "titles": titles_by_call([action.call_id]),
        "events": history_of(action),
        "assign": AssignForm(initial={"assignee": action.assignee_id}, members=members(action)),
        "today": timezone.localdate(),
    }
    return render(request, "actions/page.html", context)


@require_POST
def finish(request: HttpRequest, action_id: uuid.UUID) -> HttpResponse:
    """Mark an action done."""
    return _change(request, access_action(person(request), action_id), finish_action)


@require_POST
def reopen(request: HttpRequest, action_id: uuid.UUID) -> HttpResponse:
    """Mark an action not done after all."""
    return _change(request, access_action(person(request), action_id), reopen_action)


@require_POST
def assign(request: HttpRequest, action_id: uuid.UUID) -> HttpResponse:
    """Give an action to a member of its organization, or to nobody."""
    action = access_action(person(request), action_id)
    form = AssignForm(request.POST, members=members(action))
    if not form.is_valid():
        raise Http404("no such member")
    return _change(request, action, assign_action, **form.cleaned_data)


@require_POST
def put_due(request: HttpRequest, action_id: uuid.UUID) -> HttpResponse:
    """Set the day an action is due."""
    action = access_action(person(request), action_id)
    form = DueForm(request.POST)
    if form.is_valid():
        return _change(request, action, set_due, **form.cleaned_data)
    messages.error(request, _("날짜를 읽을 수 없습니다: %(text)s") % {"text": request.POST.get("due_on", "")[:40]})
    return _back(request, action)


def _change(request: HttpRequest, action: Action, change: Callable[..., None], **values: Any) -> HttpResponse:
    change(action=action, actor=person(request), **values)
    return _back(request, action)


def _back(request: HttpRequest, action: Action) -> HttpResponse:
    return back(request, reverse("actions:page", args=[action.pk]))
