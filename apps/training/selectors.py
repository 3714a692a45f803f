"""Read training runs through the acting administrator."""

from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.http import Http404
from django.shortcuts import get_object_or_404

from apps.accounts.models import Role, User
from apps.accounts.selectors import has_role, organization_ids
from apps.training.models import RetrainRequest
from model_core.errors import RegistryError
from model_core.registry.store import Registry, open_registry
from model_core.registry.tables import Checkpoint, Run

LOSS = "summary_loss"


@dataclass(frozen=True)
class RunView:
    """A request with its run in the registry, the loss so far and the newest checkpoint it made."""

    request: RetrainRequest
    run: Run | None
    losses: list[tuple[int, float]]
    checkpoint: Checkpoint | None
    in_production: bool


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
    checkpoint = registry.run_checkpoint(request.run_id)
    return RunView(
        request=request,
        run=_run(registry, request.run_id),
        losses=registry.run_metrics(request.run_id, LOSS),
        checkpoint=checkpoint,
        in_production=checkpoint is not None and production is not None and production.id == checkpoint.id,
    )


def _run(registry: Registry, run_id: UUID) -> Run | None:
    try:
        return registry.get_run(run_id)
    except RegistryError:
        return None
