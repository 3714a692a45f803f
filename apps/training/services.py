"""Ask for a training run and decide which checkpoint is used. Runs live in the model registry, not in Django."""

import json
import uuid
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from apps.accounts.models import Organization, User
from apps.accounts.roles import Right
from apps.accounts.selectors import may, operates
from apps.accounts.services import log_access, log_access_to_many
from apps.core.dispatch import ring_on_commit
from apps.core.errors import YoyakError
from apps.summaries.models import Summary
from apps.summaries.selectors import approved_summaries
from apps.training.models import RetrainRequest
from apps.transcripts.selectors import segments_of
from model_core.config.recipes import get_recipe
from model_core.errors import RegistryError
from model_core.registry.store import open_registry
from workers.contracts.stages import TRAIN_TASK

PRODUCTION = "production"
RETRAIN_RECIPE = "summarizer_demo_retrain"


def _require_admin(actor: User, organization: Organization) -> None:
    if not may(actor, organization.pk, Right.TRAIN):
        raise YoyakError("not_allowed")


def request_retraining(*, actor: User, organization: Organization) -> RetrainRequest:
    """Start a training run on the organization's approved summaries, mixed with simulated calls.

    Raises:
        YoyakError: the person is no administrator, or nothing is approved yet.
    """
    _require_admin(actor, organization)
    approved = approved_summaries(organization.pk)
    if not approved:
        raise YoyakError("nothing_approved")
    run_id = uuid.uuid4()
    folder = run_folder(run_id)
    folder.mkdir(parents=True)
    with (folder / "approved.jsonl").open("w", encoding="utf-8") as file:
        for summary in approved:
            file.write(json.dumps(training_pair(summary), ensure_ascii=False) + "\n")
    registry = open_registry(settings.ENV.registry_url)
    registry.create_run(RETRAIN_RECIPE, asdict(get_recipe(RETRAIN_RECIPE)), run_id=run_id)
    with transaction.atomic():
        request = RetrainRequest.objects.create(
            organization=organization,
            requested_by=actor,
            run_id=run_id,
            recipe=RETRAIN_RECIPE,
            approved_pairs=len(approved),
        )
        log_access(
            actor=actor, organization_id=organization.pk, action="request_retraining", kind="run", object_id=run_id
        )
        ring_on_commit(TRAIN_TASK, str(request.pk), queue="io")
    return request


def run_folder(run_id: uuid.UUID) -> Path:
    """Return the folder of a run: its pairs, checkpoints and log."""
    return Path(settings.DATA_DIR) / "training" / str(run_id)


def training_pair(summary: Summary) -> dict[str, Any]:
    """Return an approved summary and its transcript as the trainer reads them."""
    content = summary.content
    return {
        "lines": [{"party": s.party, "text": s.text} for s in segments_of(summary.call)],
        "summary": {
            "title": content["title"],
            "one_line": _item(content["one_line"]),
            "topics": [
                {"title": topic["title"], "points": [_item(point) for point in topic["points"]]}
                for topic in content["topics"]
            ],
            "actions": [
                {"who": a["who"], "what": a["what"], "when": a["when"], "evidence": a["evidence"]}
                for a in content["actions"]
            ],
            "decisions": [_item(decision) for decision in content["decisions"]],
            "category": content["category"],
            "outcome": content["outcome"],
            "sentiment": content["sentiment"],
        },
    }


def _item(statement: dict[str, Any]) -> dict[str, Any]:
    return {"text": statement["text"], "evidence": statement["evidence"]}


def use_checkpoint(*, actor: User, checkpoint_id: uuid.UUID) -> None:
    """Make a checkpoint the one that summarizes from the next call on, in every organization.

    Raises:
        YoyakError: the person is no operator, or there is no such checkpoint.
    """
    _require_operator(actor)
    try:
        open_registry(settings.ENV.registry_url).set_alias(PRODUCTION, checkpoint_id, by=actor.username)
    except RegistryError as error:
        raise YoyakError("no_such_checkpoint", checkpoint=str(checkpoint_id)) from error
    _tell_everybody(actor, "use_checkpoint", "checkpoint", checkpoint_id)


def use_shipped_model(*, actor: User) -> None:
    """Go back to the model that ships with the product, in every organization."""
    _require_operator(actor)
    open_registry(settings.ENV.registry_url).clear_alias(PRODUCTION)
    _tell_everybody(actor, "use_shipped_model", "organization", None)


def _require_operator(actor: User) -> None:
    # One model summarizes the calls of all: no organization decides that for the others.
    if not operates(actor):
        raise YoyakError("operators_only")


def _tell_everybody(actor: User, action: str, kind: str, object_id: uuid.UUID | None) -> None:
    houses = Organization.objects.values_list("pk", flat=True)
    log_access_to_many(actor=actor, action=action, kind=kind, objects=[(key, object_id or key) for key in houses])
