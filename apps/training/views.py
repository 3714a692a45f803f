"""Retraining as administrators see it: what is approved, the runs, the loss as it falls, which model is in use."""

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST, require_safe
from django_htmx.http import HttpResponseStopPolling

from apps.accounts.models import User
from apps.accounts.selectors import operates
from apps.core.charts import line_chart
from apps.core.feedback import refusals_as_messages, see_other
from apps.core.paging import page_of
from apps.core.people import person
from apps.training.selectors import (
    RunView,
    access_requests,
    access_run,
    access_training,
    count_approved,
    production_checkpoint,
    recently_approved,
    run_views,
)
from apps.training.services import request_retraining
from apps.training.states import STATES

_RECENT = 8
_TABLE_ROWS = 40


@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """Show what is approved, the model in use, and the runs."""
    actor = person(request)
    page, production = page_of(request, access_requests(actor), 10), production_checkpoint()
    context = {
        "approved_count": count_approved(actor),
        "recent": recently_approved(actor, _RECENT),
        "production": production,
        "page": page,
        "runs": [_with_state(view) for view in run_views(page.object_list, production)],
        "operates": operates(actor),
    }
    return render(request, "training/overview.html", context)


@require_POST
@refusals_as_messages("training:overview")
def start(request: HttpRequest) -> HttpResponse:
    """Start a training run on what is approved."""
    actor = person(request)
    made = request_retraining(actor=actor, organization=access_training(actor)[0])
    messages.success(request, _("학습을 시작했습니다."))
    return see_other("training:run", made.pk)


@require_safe
def show_run(request: HttpRequest, request_id: uuid.UUID) -> HttpResponse:
    """Show one run with its loss."""
    return render(request, "training/run.html", _run_context(person(request), access_run(person(request), request_id)))


@require_GET
def show_run_progress(request: HttpRequest, request_id: uuid.UUID) -> HttpResponse:
    """Return the moving part of the run's page, for polling; 286 once the run has ended."""
    view = access_run(person(request), request_id)
    response = render(request, "training/run_progress.html", _run_context(person(request), view))
    return HttpResponseStopPolling(response.content) if view.ended else response


def _run_context(actor: User, view: RunView) -> dict[str, Any]:
    every = max(1, -(-len(view.losses) // _TABLE_ROWS))
    return _with_state(view) | {
        "operates": operates(actor),
        "chart": line_chart(view.losses),
        "table": view.losses[::-every],
    }


def _with_state(view: RunView) -> dict[str, Any]:
    return {"view": view, "state": STATES[view.state], "last_loss": view.losses[-1] if view.losses else None}
