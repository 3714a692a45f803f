"""Read training runs through the acting administrator."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db.models import Q, QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts.models import Organization, User
from apps.accounts.roles import Right
from apps.accounts.selectors import access_organizations, may
from apps.summaries.models import Summary
from apps.training.models import RetrainRequest
from model_core.errors import RegistryError
from model_core.registry.store import RunRecord, open_registry
from model_core.registry.tables import Checkpoint, Run
from workers.contracts.stages import SHIPPED_MODEL

LOSS = "summary_loss"


@dataclass(frozen=True)
class RunView:
    """A request with its run in the registry, the loss so far (in lists the newest alone) and the newest checkpoint."""

    request: RetrainRequest
    run: Run | None
    losses: list[tuple[int, float]]
    checkpoint: Checkpoint | None
    in_production: bool

    @property
    def state(self) -> str:
        """Return the run's state; a run the registry does not know yet waits."""
        return self.run.state if self.run else "queued"

    @property
    def ended(self) -> bool:
        return self.state not in ("queued", "running")

    @property
    def max_steps(self) -> int:
        """Return how many steps the run will take, 0 when unknown."""
        train = self.run.config.get("train", {}) if self.run else {}
        return int(train.get("max_steps", 0))

    @property
    def share(self) -> float:
        """Return how much of the run is done, 0 to 1."""
        if self.state == "done":
            return 1.0
        return min(0.99, self.losses[-1][0] / self.max_steps) if self.losses and self.max_steps else 0.0

    @property
    def took_s(self) -> float | None:
        """Return how long the run took, or takes by now; None before it started."""
        if self.run is None or self.run.started_at is None:
            return None
        return ((self.run.finished_at or timezone.now()) - self.run.started_at).total_seconds()


def access_training(actor: User) -> list[Organization]:
    """Return the organizations `actor` administers, or raise Http404 when there is none."""
    return access_organizations(actor, [Right.TRAIN])


def count_approved(actor: User) -> int:
    """Return how many calls have an approved summary in the organizations `actor` administers."""
    return _approved(actor).order_by().values("call").distinct().count()


def recently_approved(actor: User, most: int) -> list[Summary]:
    """Return the summaries approved last there, with their calls."""
    return list(_approved(actor).select_related("call").order_by("-approved_at", "pk")[:most])


def _approved(actor: User) -> QuerySet[Summary]:
    return Summary.objects.filter(organization__in=access_training(actor), state=Summary.State.APPROVED)


def production_checkpoint() -> Checkpoint | None:
    """Return the checkpoint that summarizes now; None when it is the model that ships."""
    return open_registry(settings.ENV.registry_url).resolve_alias("production")


def checkpoints() -> list[Checkpoint]:
    """Return the newest checkpoints of the installation, for operators."""
    return open_registry(settings.ENV.registry_url).list_checkpoints()


@dataclass(frozen=True)
class ModelChoice:
    """A model that a batch can name; `key` is what the batch keeps, `version` is empty for the one that ships."""

    key: str
    version: str
    in_use: bool


def models_of(organization_id: UUID) -> list[ModelChoice]:
    """Return the models that the organization may choose for a batch: the shipped one, then its own, newest first.

    None where a model server of the settings summarizes: it has one model.
    """
    if settings.ENV.llm_base_url:
        return []
    registry, runs = open_registry(settings.ENV.registry_url), _runs_of(organization_id)
    used = registry.resolve_alias("production")
    own = [found for found in registry.list_checkpoints() if found.run_id in runs]
    return [
        ModelChoice(SHIPPED_MODEL, "", used is None),
        *(ModelChoice(str(found.id), found.version, used is not None and used.id == found.id) for found in own),
    ]


def made_by(model: str) -> Q:
    """Return the condition for results of the model that a batch keeps as `model`, by their engine version."""
    env = settings.ENV
    if env.llm_base_url:
        return Q(engine_version=env.llm_model)
    version = model_name(model) if model not in ("", SHIPPED_MODEL) else ""
    used = production_checkpoint() if not model else None
    version = version or (used.version if used else "")
    return Q(engine_version=version) if version else Q(engine_version__startswith=f"{Path(env.llm_model).name}@")


def model_name(key: str) -> str:
    """Return what people call the model that a batch keeps as `key`; empty for the one in use."""
    if key in ("", SHIPPED_MODEL):
        return str(_("기본 모델")) if key else ""
    try:
        return open_registry(settings.ENV.registry_url).get_checkpoint(UUID(key)).version
    except RegistryError:
        return key


def _runs_of(organization_id: UUID) -> set[UUID]:
    return set(RetrainRequest.objects.filter(organization=organization_id).values_list("run_id", flat=True))


def access_requests(actor: User) -> QuerySet[RetrainRequest]:
    """Return the retraining requests of the organizations `actor` administers, newest first."""
    mine = RetrainRequest.objects.filter(organization__in=access_training(actor))
    return mine.select_related("requested_by").order_by("-created_at", "pk")


def access_run(actor: User, request_id: UUID) -> RunView:
    """Return one request with what the registry knows of its run, or raise Http404."""
    request = get_object_or_404(RetrainRequest, pk=request_id)
    if not may(actor, request.organization_id, Right.TRAIN):
        raise Http404("no such run")
    return run_view(request)


def run_view(request: RetrainRequest) -> RunView:
    """Return what the registry knows of the request's run, with its whole loss."""
    (view,) = run_views([request], production_checkpoint())
    return replace(view, losses=open_registry(settings.ENV.registry_url).run_metrics(request.run_id, LOSS))


def run_views(requests: Iterable[RetrainRequest], production: Checkpoint | None) -> list[RunView]:
    """Return what the registry knows of the requests' runs, read at once; `production` is the model in use."""
    wanted = list(requests)
    known = open_registry(settings.ENV.registry_url).read_runs([request.run_id for request in wanted], LOSS)
    return [_view(request, known.get(request.run_id), production) for request in wanted]


def _view(request: RetrainRequest, known: RunRecord | None, production: Checkpoint | None) -> RunView:
    checkpoint = known.checkpoint if known else None
    return RunView(
        request=request,
        run=known.run if known else None,
        losses=[known.newest] if known and known.newest else [],
        checkpoint=checkpoint,
        in_production=checkpoint is not None and production is not None and production.id == checkpoint.id,
    )
