"""The signs of life for whoever watches the installation."""

from contextlib import suppress
from io import StringIO

from django.contrib.auth.decorators import login_not_required
from django.core.management import call_command
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.accounts.models import User
from apps.accounts.roles import CALL_RIGHTS, Right
from apps.accounts.selectors import operates, rights_of
from apps.core.people import person
from apps.jobs.health import queue_states, recent_failures
from apps.jobs.selectors import live_queues
from apps.training.selectors import production_checkpoint
from workers.contracts.stages import STAGE_QUEUES


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
    return render(request, "core/installation.html", context | {"doctor": _doctor()})


def _doctor() -> str:
    findings = StringIO()
    with suppress(SystemExit):
        call_command("doctor", stdout=findings)
    return findings.getvalue()


@login_not_required
def healthz(request: HttpRequest) -> HttpResponse:
    """Say that the web process answers."""
    return JsonResponse({"status": "ok"})


@login_not_required
def readyz(request: HttpRequest) -> HttpResponse:
    """Say whether the database answers and every queue has a worker; 503 when not."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    missing = sorted(set(STAGE_QUEUES.values()) - live_queues())
    return JsonResponse({"database": "ok", "queues_without_worker": missing}, status=503 if missing else 200)
