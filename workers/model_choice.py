"""Which summarizer a worker uses now: the model server of the settings, the registry's `production`, or what ships.

Asked again for each call, so "Use this model" reaches running workers without a restart.
"""

from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from model_core.registry.store import open_registry
from workers.engines.versions import folder_version


@dataclass(frozen=True)
class ChosenModel:
    """A model folder or a served model's name, and the version label shown on summaries."""

    folder: str
    version: str


def chosen_model() -> ChosenModel:
    """Return the model to summarize with."""
    env = settings.ENV
    if env.llm_base_url:
        return ChosenModel(env.llm_model, env.llm_model)
    checkpoint = open_registry(env.registry_url).resolve_alias("production")
    if checkpoint is not None and Path(checkpoint.path).is_dir():
        return ChosenModel(checkpoint.path, checkpoint.version)
    return ChosenModel(env.llm_model, folder_version(env.llm_model, "model.safetensors"))
