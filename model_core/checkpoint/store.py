"""The checkpoints of a run: a folder a step, each whole or not there, the newest and the best kept.

A checkpoint is a stock model folder with the rest of the run's state beside it: optimizer, average and random state in
safetensors, data position and scores in JSON. Of several processes each writes its part; what is read back is
whole and does not depend on how many there were. It knows no optimizer and no loss.
"""

import json
import logging
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from torch import Tensor, float32

from model_core.checkpoint.files import read_manifest, restore_replaced, together, verify_folder, write_folder
from model_core.checkpoint.pretrained import TRAINING_FILES, load_state, model_writer, part_name, save_tensors
from model_core.checkpoint.stored_tensors import StoredTensors
from model_core.config.schema import ModelConfig
from model_core.errors import CheckpointError
from model_core.parallel.team import Team

logger = logging.getLogger(__name__)

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
    """Everything a run needs to go on. `model` is our state dict; `state` holds the optimizer's tensors and others.

    What one of several processes is to save is a part of it, in which slices of experts are named as such.
    """

    progress: Progress
    model: Mapping[str, Tensor]
    state: Mapping[str, Tensor]

    def weights_to_use(self) -> dict[str, Tensor]:
        """Return the averaged weights when the state holds them, else the trained ones; our state dict."""
        average = {name.removeprefix(AVERAGE): self.state[name] for name in self.state if name.startswith(AVERAGE)}
        return average or dict(self.model)


class CheckpointStore:
    """The folder `root` of a run's checkpoints. Of complete ones the newest `keep_last` and the best stay."""

    def __init__(self, root: Path, keep_last: int, team: Team | None = None) -> None:
        self._root = root
        self._keep_last = keep_last
        self._team = team or Team()

    def save(self, snapshot: Snapshot, config: ModelConfig, companions: Path | None) -> tuple[Path, str]:
        """Write a checkpoint, whole or not at all; return its folder and digest. Of a team every rank calls it.

        Raises: CheckpointError when it cannot be written. Side effects: removes checkpoints that need not be kept.
        """
        team = self._team
        write_model = model_writer(config, snapshot.model, float32, companions, team)

        def fill(part: Path) -> None:
            write_model(part)
            state = {name: tensor.contiguous() for name, tensor in snapshot.state.items()}
            save_tensors(state, part / part_name(_STATE, team))
            if team.rank == 0:
                (part / _PROGRESS).write_text(json.dumps(asdict(snapshot.progress)) + "\n")

        folder = self._root / f"step-{snapshot.progress.step:08d}"
        digest = write_folder(folder, fill, team)
        together(team, self._root, lambda: self._prune(folder) if team.rank == 0 else None)
        return folder, digest

    def newest(self) -> Path | None:
        """Return the newest complete checkpoint, or None; others are passed over with a line in the log."""
        for folder in reversed(self.folders()):
            try:
                verify_folder(folder, self._team)
                return folder
            except CheckpointError as error:
                logger.warning("passed over: %s", error)
        return None

    def folders(self) -> list[Path]:
        """Return the checkpoints, oldest first, complete or not; of a team every rank calls it."""
        return together(self._team, self._root, lambda: self._folders() if self._team.rank == 0 else [])[0]

    def best(self) -> Path | None:
        """Return the checkpoint with the lowest held-out loss, or None when no loss is known."""
        scored = [(loss, folder) for folder in self._folders() if (loss := _loss_of(folder)) is not None]
        return min(scored)[1] if scored else None

    def _folders(self) -> list[Path]:
        for replaced in self._root.glob(".step-*.old"):
            restore_replaced(replaced.with_name(replaced.stem.removeprefix(".")))
        return sorted(folder for folder in self._root.glob("step-*") if (folder / _PROGRESS).is_file())

    def _prune(self, newest: Path) -> None:
        """Remove what need not be kept; later ones than the newest are damaged ones that a run has passed over."""
        done = [folder for folder in self._folders() if folder <= newest]
        keep = {*done[-self._keep_last :], self.best()}
        # What a killed process left behind. A folder that still has a checkpoint's name is whole.
        for leftover in self._root.glob(".step-*"):
            shutil.rmtree(leftover)
        for folder in done:
            if folder not in keep:
                shutil.rmtree(folder.rename(folder.with_name(f".{folder.name}.gone")))


def _loss_of(folder: Path) -> float | None:
    """Return the held-out loss of a checkpoint; None also of a damaged one."""
    try:
        return read_progress(folder).eval_loss
    except CheckpointError:
        return None


def read_progress(folder: Path) -> Progress:
    """Return how far the run of a checkpoint had come.

    Raises: CheckpointError when the folder is no training checkpoint.
    """
    try:
        return Progress(**json.loads((folder / _PROGRESS).read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise CheckpointError(f"{folder} is no training checkpoint: {error}") from error


def load_snapshot(folder: Path, *, check: bool = True) -> Snapshot:
    """Return what `CheckpointStore.save` wrote, whole, after checking every file against the manifest.

    Tensors, and slices of them, are read when they are asked for. `check=False` is for who has checked it.

    Raises: CheckpointError when anything is missing or altered.
    """
    if check:
        verify_folder(folder)
    stem, _, ending = _STATE.rpartition(".")
    files = [name for name in read_manifest(folder).files if name.startswith(stem) and name.endswith(ending)]
    state = StoredTensors(folder / name for name in files)
    return Snapshot(read_progress(folder), load_state(folder, check=False), state)
