"""The command line of the evaluation: measure a summarizer folder on the test split, print a table or JSON."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from model_core.errors import ModelCoreError
from model_core.evaluation.card import write_card
from model_core.evaluation.report import markdown
from model_core.evaluation.suite import as_json, evaluate_summaries
from model_core.inference.engine import SummaryGenerator


def summaries(folder: Path, count: int, split: str, *, as_text: bool) -> str:
    """Return the results of a model folder as text."""
    results = evaluate_summaries(
        SummaryGenerator.load(folder),
        count,
        split=split,
        on_progress=lambda share: print(f"\r{100 * share:3.0f} %", end="", file=sys.stderr, flush=True),
    )
    print(file=sys.stderr)
    if as_text:
        return markdown(results)
    return json.dumps({"model": folder.name, "split": split, "variants": as_json(results)}, ensure_ascii=False)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a subcommand; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m model_core.evaluation", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("summaries", help="fact recall, support, evidence and ROUGE-L beside two baselines")
    command.add_argument("--model", type=Path, required=True, help="a model folder")
    command.add_argument("--calls", type=int, default=80, help="calls of each variant")
    command.add_argument("--split", choices=("test", "train"), default="test")
    command.add_argument("--json", action="store_true")
    making = commands.add_parser("card", help="write a model folder's card from its evaluation.json")
    making.add_argument("--model", type=Path, required=True, help="a model folder")
    options = parser.parse_args(arguments)
    try:
        if options.command == "card":
            print(write_card(options.model))
            return 0
        print(summaries(options.model, options.calls, options.split, as_text=not options.json))
    except ModelCoreError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
