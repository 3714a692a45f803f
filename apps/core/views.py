"""The signs of life for whoever watches the installation."""

from django.contrib.auth.decorators import login_not_required
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse

from apps.jobs.selectors import live_queues
from workers.contracts.stages import STAGE_QUEUES


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
