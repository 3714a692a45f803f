"""The errors of generation. They know a message and whether another try can help."""

from model_core.errors import ModelCoreError


class InferenceError(ModelCoreError):
    """A call that cannot be summarized with this model and these limits, or a model folder that cannot be used."""


class GenerationCancelled(InferenceError):
    """Somebody asked for the generation to stop."""
