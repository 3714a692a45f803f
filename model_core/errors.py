"""The exceptions of the model core: one family, each with a `permanent` flag that says whether trying again can help.

It knows nothing of who raises them.
"""


class ModelCoreError(Exception):
    """A failure of the model core. `permanent` is True when the same call would fail again."""

    permanent = True


class ConfigError(ModelCoreError):
    """A configuration that cannot run; the message names the field, its value and the limit."""


class CheckpointError(ModelCoreError):
    """A checkpoint that is missing, incomplete, altered, or of another architecture."""


class CheckpointDiskError(CheckpointError):
    """A disk without room or rights for a checkpoint; with them the same call goes through."""

    permanent = False


class FolderInUseError(ModelCoreError):
    """Another process is writing the folder; when that is done the same call goes through."""

    permanent = False


class DataError(ModelCoreError):
    """Training data that cannot be read or used."""


class PeerLostError(ModelCoreError):
    """Another process of the run stopped or does not answer; the run can go on from its newest checkpoint."""

    permanent = False


class NonFiniteLossError(ModelCoreError):
    """The loss or the gradient of a batch is not finite; no step was taken with it."""


class RegistryError(ModelCoreError):
    """A registry request that names something the registry does not hold."""


class RegistryBusyError(ModelCoreError):
    """The registry's database did not answer in time; trying again can help."""

    permanent = False
