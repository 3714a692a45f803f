"""What the engines raise: a typed code with values, shared with the stages."""

from workers.contracts.errors import StageError


class MediaError(StageError):
    """A recording cannot be decoded."""


class EngineError(StageError):
    """A model cannot be loaded or does not answer."""
