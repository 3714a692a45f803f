"""Which summarizer a worker uses now: the model server of the settings, what was chosen for a batch, the registry's
`production`, or what ships.

Asked again for each call, so "Use this model" reaches running workers without a restart.
"""

import uuid
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from model_core.errors import RegistryError
from model_core.registry.store import open_registry
from model_core.registry.tables import Checkpoint
from workers.contracts.stages import SHIPPED_MODEL
from workers.engines.versions import folder_version


@dataclass(frozen=True)
class ChosenModel:
    """A model folder or a served model's name, and the version label shown on summaries."""

    folder: str
    version: str


def chosen_model(wanted: str = "") -> ChosenModel:
    """Return the model to summarize with; `wanted` is `SHIPPED_MODEL`, the id of a checkpoint, or empty for the usual.

    A checkpoint whose folder is gone gives way to the usual: the summary names what made it.
    """
    env = settings.ENV
    if env.llm_base_url:
        return ChosenModel(env.llm_model, env.llm_model)
    checkpoint = None if wanted == SHIPPED_MODEL else _checkpoint(wanted)
    if checkpoint is not None:
        return ChosenModel(checkpoint.path, checkpoint.version)
    return ChosenModel(env.llm_model, folder_version(env.llm_model, "model.safetensors"))


def _checkpoint(wanted: str) -> Checkpoint | None:
    """Return the checkpoint of that id, else the one in production, where its folder is there."""
    registry, found = open_registry(settings.ENV.registry_url), list[Checkpoint | None]()
    if wanted:
        with suppress(RegistryError):
            found.append(registry.get_checkpoint(uuid.UUID(wanted)))
    found.append(registry.resolve_alias("production"))
    return next((each for each in found if each is not None and Path(each.path).is_dir()), None)
