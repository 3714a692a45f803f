"""Read training runs through the acting administrator."""

from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.http import Http404
from django.shortcuts import get_object_or_404

from apps.accounts.models import Role, User
from apps.accounts.selectors import has_role, organization_ids
from apps.training.models import RetrainRequest
from model_core.registry.store import Checkpoint, Run, open_registry


@dataclass(frozen=True)
class RunView:
    """A request with its run in the registry, the loss so far and the checkpoints it made."""

    request: RetrainRequest
    run: Run | None
    losses: list[tuple[int, float]]
    checkpoints: list[Checkpoint]
    production_id: str | None


def access_requests(actor: User) -> list[RetrainRequest]:
    """Return the retraining requests of the organizations `actor` administers, newest first."""
    houses = [pk for pk in organization_ids(actor) if has_role(actor, pk, Role.ADMIN)]
    if not houses:
        raise Http404("no administrator")
    return list(RetrainRequest.objects.filter(organization_id__in=houses))


def access_run(actor: User, request_id: UUID) -> RunView:
    """Return one request with what the registry knows of its run, or raise Http404."""
    request = get_object_or_404(RetrainRequest, pk=request_id)
    if not has_role(actor, request.organization_id, Role.ADMIN):
        raise Http404("no such run")
    return run_view(request)


def run_view(request: RetrainRequest) -> RunView:
    """Return what the registry knows of the request's run."""
    registry = open_registry(settings.ENV.registry_url)
    production = registry.resolve_alias("production")
    run_id = str(request.run_id)
    return RunView(
        request=request,
        run=registry.get_run(run_id),
        losses=registry.run_metrics(run_id, "train/loss"),
        checkpoints=registry.list_checkpoints(run_id),
        production_id=production.id if production else None,
    )
