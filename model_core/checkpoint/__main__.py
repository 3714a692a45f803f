"""The command line of checkpoints: ``python -m model_core.checkpoint export | verify | adopt | upcycle | gguf``.

Export makes the folder that a model is used from out of a training checkpoint, adopt and upcycle out of a stock folder
of others, gguf makes one file of such a folder; verify checks a folder's digests.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch

from model_core.checkpoint.adopt import adopt, adopt_dense
from model_core.checkpoint.files import verify_folder, write_folder
from model_core.checkpoint.gguf_file import write_gguf
from model_core.checkpoint.pretrained import copy_companions, model_writer, read_config
from model_core.checkpoint.store import load_snapshot
from model_core.checkpoint.upcycle import Upcycling
from model_core.errors import ModelCoreError
from model_core.parallel.team import Team


def export(checkpoint: Path, target: Path) -> str:
    """Write the weights to use of a training checkpoint as a bf16 model folder at `target`; return its digest.

    What `target` holds beside the weights (tokenizer, lexicon) stays; what it lacks comes from the checkpoint. The card
    and the results of other weights go.

    Raises: CheckpointError when the checkpoint is incomplete or altered.
    """
    weights = load_snapshot(checkpoint).weights_to_use()
    write_model = model_writer(read_config(checkpoint), weights, torch.bfloat16, None, Team())

    def fill(part: Path) -> None:
        for source in (checkpoint, target):
            if source.is_dir():
                copy_companions(source, part)
        write_model(part)

    return write_folder(target, fill)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code: 0 when done, 2 for an error that a message explains."""
    options = _parser().parse_args(arguments)
    try:
        print(options.run(options))
    except (ModelCoreError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m model_core.checkpoint")
    commands = parser.add_subparsers(required=True)
    exporting = _command(commands, "export", "make a model folder of a training checkpoint", "checkpoint", "target")
    exporting.set_defaults(run=lambda options: export(options.checkpoint, options.target))
    verifying = _command(commands, "verify", "check a folder against its manifest", "folder")
    verifying.set_defaults(run=lambda options: verify_folder(options.folder))
    adopting = _command(commands, "adopt", "make a model folder of a stock Glm4Moe or Qwen3Moe", "source", "target")
    adopting.set_defaults(run=lambda options: adopt(options.source, options.target))
    upcycling = _command(commands, "upcycle", "make one of a dense Llama, Mistral, Qwen2 or Qwen3", "source", "target")
    for field in fields(Upcycling):
        upcycling.add_argument(f"--{field.name.replace('_', '-')}", type=int, default=field.default)
    upcycling.set_defaults(run=lambda options: adopt_dense(options.source, options.target, _upcycling(options)))
    writing = _command(commands, "gguf", "write a model folder as one file for llama.cpp", "folder", "target")
    writing.set_defaults(run=lambda options: write_gguf(options.folder, options.target))
    return parser


def _command(commands: Any, name: str, text: str, *folders: str) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    for folder in folders:
        command.add_argument(folder, type=Path)
    return command


def _upcycling(options: argparse.Namespace) -> Upcycling:
    return Upcycling(**{field.name: getattr(options, field.name) for field in fields(Upcycling)})


if __name__ == "__main__":
    sys.exit(main())
