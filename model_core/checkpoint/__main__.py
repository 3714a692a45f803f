"""The command line of checkpoints: ``python -m model_core.checkpoint export CHECKPOINT TARGET`` and ``verify FOLDER``.

Export makes the folder that a model is used from out of a training checkpoint; verify checks a folder's digests.
"""

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from model_core.checkpoint.files import verify_folder, write_folder
from model_core.checkpoint.pretrained import MODEL_CARD, copy_companions, read_config, write_model
from model_core.checkpoint.store import load_snapshot
from model_core.errors import ModelCoreError


def export(checkpoint: Path, target: Path) -> str:
    """Write the weights to use of a training checkpoint as a bf16 model folder at `target`; return its digest.

    What `target` holds beside the weights (tokenizer, lexicon, model card) stays; what it lacks comes from the
    checkpoint.

    Raises: CheckpointError when the checkpoint is incomplete or altered.
    """
    snapshot = load_snapshot(checkpoint)

    def fill(part: Path) -> None:
        for source in (checkpoint, target):
            if source.is_dir():
                copy_companions(source, part)
        if (target / MODEL_CARD).is_file():
            shutil.copyfile(target / MODEL_CARD, part / MODEL_CARD)
        write_model(part, read_config(checkpoint), snapshot.weights_to_use(), torch.bfloat16)

    return write_folder(target, fill)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code: 0 when done, 2 for an error that a message explains."""
    parser = argparse.ArgumentParser(prog="python -m model_core.checkpoint")
    commands = parser.add_subparsers(dest="command", required=True)
    exporting = commands.add_parser("export", help="make a model folder of a training checkpoint")
    exporting.add_argument("checkpoint", type=Path)
    exporting.add_argument("target", type=Path)
    verifying = commands.add_parser("verify", help="check a folder against its manifest")
    verifying.add_argument("folder", type=Path)
    options = parser.parse_args(arguments)
    try:
        exports = options.command == "export"
        print(export(options.checkpoint, options.target) if exports else verify_folder(options.folder))
    except ModelCoreError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
