"""The command line of training: ``python -m model_core.training --recipe NAME``, also under torchrun and deepspeed.

It turns arguments into a configuration and errors into one clear line with exit code 2; the work is `run`'s.
"""

import argparse
import json
import logging
import os
import sys
import uuid
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from model_core.checkpoint.stock_config import from_stock_config
from model_core.checkpoint.stock_fields import read_values
from model_core.config.overrides import override
from model_core.config.recipes import RECIPES, get_recipe
from model_core.config.schema import RunConfig
from model_core.errors import ConfigError, ModelCoreError
from model_core.registry.store import open_registry
from model_core.training.plan import make_run_plan


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code: 0 when done, 2 for an error that a message explains."""
    options = _parser().parse_args(arguments)
    first = os.environ.get("RANK", "0") == "0"
    logging.basicConfig(
        level=logging.INFO if first else logging.WARNING, format="%(asctime)s %(message)s", stream=sys.stderr
    )
    try:
        config = _configuration(options)
        if options.dry_run:
            print(
                json.dumps(
                    {"config": asdict(config), "plan": make_run_plan(config, options.processes).as_dict()}, indent=1
                )
            )
            return 0
        _train(config, options)
    except (ModelCoreError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m model_core.training", description="Train a model by a recipe.")
    parser.add_argument("--recipe", required=True, metavar="NAME", help=f"one of {', '.join(sorted(RECIPES))}")
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.FIELD=VALUE", help="change a field")
    parser.add_argument("--out", default="", help="folder of checkpoints, metrics and the export")
    parser.add_argument("--init", default="", help="model folder to begin with, in place of the recipe's")
    parser.add_argument("--model-of-init", action="store_true", help="take the model's shape from that folder")
    parser.add_argument("--approved", type=Path, help="JSON-lines file of approved pairs to mix in")
    parser.add_argument("--resume", action="store_true", help="go on from the newest complete checkpoint in --out")
    parser.add_argument("--registry", default="", metavar="URL", help="database URL of the model registry")
    parser.add_argument("--run-id", type=uuid.UUID, help="id of the run in the registry")
    # The deepspeed launcher gives every process its number in this way too; the environment says it already.
    parser.add_argument("--local_rank", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--dry-run", action="store_true", help="print the configuration and the plan, and stop")
    parser.add_argument(
        "--processes", type=int, help="plan the dry run for so many (default: the fewest that can do it)"
    )
    return parser


def _configuration(options: argparse.Namespace) -> RunConfig:
    config = override(get_recipe(options.recipe), options.set)
    config = replace(config, out=options.out or config.out, init=options.init or config.init)
    if options.model_of_init:
        config = _with_model_of_init(config)
    if not config.out and not options.dry_run:
        raise ConfigError(f"the recipe {config.name} names no folder; --out must")
    if options.run_id and not options.registry:
        raise ConfigError("--run-id names a run of a registry; --registry must say which")
    return config


def _with_model_of_init(config: RunConfig) -> RunConfig:
    if not config.init:
        raise ConfigError(f"the recipe {config.name} begins with no folder; --model-of-init needs --init")
    found = from_stock_config(read_values(Path(config.init)))
    # Positions are no weights; of a long context the part stays that the recipe's micro batches hold.
    return replace(config, model=replace(found, max_positions=min(found.max_positions, config.model.max_positions)))


def _train(config: RunConfig, options: argparse.Namespace) -> None:
    # torch takes seconds to load: a dry run and a wrong argument need not wait for it.
    from model_core.training.run import Registration, execute

    registration = None
    if options.registry and os.environ.get("RANK", "0") == "0":
        registration = Registration(open_registry(options.registry), options.run_id or uuid.uuid4())
    execute(config, resume=options.resume, approved=options.approved, registration=registration)


if __name__ == "__main__":
    sys.exit(main())
