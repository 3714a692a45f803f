"""The checkpoints of a run: a folder a step, each whole or not there, the newest and the best kept.

A checkpoint is a stock model folder with the rest of the run's state beside it: optimizer and average in a safetensors
file, random state, data position and scores in JSON. It knows no optimizer and no loss.
"""

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from safetensors.torch import load_file
from torch import Tensor, float32

from model_core.checkpoint.files import is_complete, write_folder
from model_core.checkpoint.pretrained import TRAINING_FILES, copy_companions, load_state, save_tensors, write_model
from model_core.config.schema import ModelConfig
from model_core.errors import CheckpointError

_STATE, _PROGRESS = TRAINING_FILES
AVERAGE = "average."


@dataclass(frozen=True)
class Progress:
    """How far a run has come: steps, the index of the next example, and the held-out loss when it is known.

    `skipped_steps` of the steps changed no weight, because their batch was left out.
    """

    step: int
    next_index: int
    eval_loss: float | None = None
    skipped_steps: int = 0


@dataclass(frozen=True)
class Snapshot:
    """Everything a run needs to go on. `model` is our state dict; `state` holds the optimizer's tensors and others."""

    progress: Progress
    model: Mapping[str, Tensor]
    state: Mapping[str, Tensor]

    def weights_to_use(self) -> dict[str, Tensor]:
        """Return the averaged weights when the state holds them, else the trained ones; our state dict."""
        average = {name.removeprefix(AVERAGE): t for name, t in self.state.items() if name.startswith(AVERAGE)}
        return average or dict(self.model)


class CheckpointStore:
    """The folder `root` of a run's checkpoints. Of complete ones the newest `keep_last` and the best stay."""

    def __init__(self, root: Path, keep_last: int) -> None:
        self._root = root
        self._keep_last = keep_last

    def save(self, snapshot: Snapshot, config: ModelConfig, companions: Path | None) -> tuple[Path, str]:
        """Write a checkpoint, whole or not at all; return its folder and digest.

        Side effects: removes checkpoints that need not be kept.
        """

        def fill(part: Path) -> None:
            if companions is not None:
                copy_companions(companions, part)
            write_model(part, config, snapshot.model, float32)
            save_tensors({name: tensor.contiguous() for name, tensor in snapshot.state.items()}, part / _STATE)
            (part / _PROGRESS).write_text(json.dumps(asdict(snapshot.progress)) + "\n")

        folder = self._root / f"step-{snapshot.progress.step:08d}"
        digest = write_folder(folder, fill)
        self._prune()
        return folder, digest

    def newest(self) -> Path | None:
        """Return the newest complete checkpoint, or None; incomplete and altered ones are passed over."""
        return next((folder for folder in reversed(self._folders()) if is_complete(folder)), None)

    def best(self) -> Path | None:
        """Return the checkpoint with the lowest held-out loss, or None when no loss is known."""
        scored = [(loss, folder) for folder in self._folders() if (loss := read_progress(folder).eval_loss) is not None]
        return min(scored)[1] if scored else None

    def _folders(self) -> list[Path]:
        return sorted(folder for folder in self._root.glob("step-*") if (folder / _PROGRESS).is_file())

    def _prune(self) -> None:
        keep = {*self._folders()[-self._keep_last :], self.best()}
        for folder in self._folders():
            if folder not in keep:
                shutil.rmtree(folder)


def read_progress(folder: Path) -> Progress:
    """Return how far the run of a checkpoint had come.

    Raises: CheckpointError when the folder is no training checkpoint.
    """
    try:
        return Progress(**json.loads((folder / _PROGRESS).read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise CheckpointError(f"{folder} is no training checkpoint: {error}") from error


def load_snapshot(folder: Path) -> Snapshot:
    """Return what `CheckpointStore.save` wrote, after checking every file against the manifest.

    Raises: CheckpointError when anything is missing or altered.
    """
    model = load_state(folder)
    return Snapshot(read_progress(folder), model, load_file(folder / _STATE))
