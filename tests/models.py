"""Checkpoints in the registry, as a training run of a house would have left them."""

import uuid

from django.conf import settings

from apps.training.models import RetrainRequest
from model_core.registry.store import open_registry
from model_core.registry.tables import Checkpoint
from tests.people import House


def checkpoint_of(house: House) -> Checkpoint:
    """Return a checkpoint that a finished run of `house` made; its folder is that of the shipped model."""
    registry, run_id = open_registry(settings.ENV.registry_url), uuid.uuid4()
    RetrainRequest.objects.create(
        organization=house.organization, requested_by=house.admin, run_id=run_id, recipe="demo", approved_pairs=1
    )
    registry.create_run("demo", {"train": {"max_steps": 40}}, run_id=run_id)
    registry.finish_run(run_id, "done")
    return registry.add_checkpoint(
        path=str(settings.BASE_DIR / "pretrained" / "summarizer-mini"),
        sha256=uuid.uuid4().hex * 2,
        version=f"summarizer-test+{run_id.hex[:8]}",
        format_version=1,
        step=40,
        run_id=run_id,
    )
