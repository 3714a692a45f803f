"""The signs of life for whoever watches the installation."""

import json
import logging
from contextlib import suppress
from io import StringIO
from typing import Any, cast
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.management import call_command
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.models import User
from apps.accounts.roles import CALL_RIGHTS, Right
from apps.accounts.selectors import memberships_of, operates, rights_of
from apps.core.feedback import back, refusals_as_messages
from apps.core.people import HOUSE, person
from apps.jobs.health import queue_states, recent_failures
from apps.jobs.selectors import live_queues
from apps.training.selectors import checkpoints, production_checkpoint
from apps.training.services import use_checkpoint, use_shipped_model
from workers.contracts.stages import STAGE_QUEUES

logger = logging.getLogger(__name__)


def first_page(actor: User) -> str:
    """Return the name of the page on which `actor` begins."""
    held = rights_of(actor)
    if held & CALL_RIGHTS:
        return "calls:list"
    if Right.READ_ACCESS_LOG in held:
        return "members:log"
    return "core:installation" if operates(actor) else "mfa_index"


@require_safe
def installation(request: HttpRequest) -> HttpResponse:
    """Show operators how the queues do, which model summarizes, and what the doctor finds; nothing of any call."""
    if not operates(person(request)):
        raise Http404("no operator")
    context = {"queues": queue_states(), "failures": recent_failures(), "production": production_checkpoint()}
    return render(request, "core/installation.html", context | {"checkpoints": checkpoints(), "findings": _doctor()})


@require_POST
@refusals_as_messages("core:installation")
def use_model(request: HttpRequest) -> HttpResponse:
    """Let the checkpoint that the form names summarize from now on, or without one the model that ships."""
    actor, named = person(request), request.POST.get("checkpoint", "")
    if not operates(actor):
        raise Http404("no operator")
    if named:
        use_checkpoint(actor=actor, checkpoint_id=_uuid(named))
        messages.success(request, _("모델을 바꿨습니다. 다음 통화부터 이 모델이 요약합니다."))
    else:
        use_shipped_model(actor=actor)
        messages.success(request, _("기본 모델로 돌아갔습니다."))
    return back(request, reverse("core:installation"))


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Http404("no such id") from None


def _doctor() -> list[dict[str, Any]]:
    findings = StringIO()
    with suppress(SystemExit):
        call_command("doctor", "--json", stdout=findings)
    return cast(list[dict[str, Any]], json.loads(findings.getvalue()))


@require_POST
def work_in(request: HttpRequest) -> HttpResponse:
    """Let what the person adds and saves from now on become the organization's that the form names."""
    chosen = _uuid(request.POST.get("organization", ""))
    if not memberships_of(person(request)).filter(organization=chosen).exists():
        raise Http404("no such organization")
    request.session[HOUSE] = str(chosen)
    return back(request, reverse("core:home"))


@login_not_required
def healthz(request: HttpRequest) -> HttpResponse:
    """Say that the web process answers."""
    return JsonResponse({"status": "ok"})


@login_not_required
def readyz(request: HttpRequest) -> HttpResponse:
    """Say whether the database answers and every queue has a worker; 503 when not."""
    try:
        missing = sorted(set(STAGE_QUEUES.values()) - live_queues())
    except DatabaseError:
        logger.exception("the database does not answer")
        return JsonResponse({"database": "down"}, status=503)
    return JsonResponse({"database": "ok", "queues_without_worker": missing}, status=503 if missing else 200)
