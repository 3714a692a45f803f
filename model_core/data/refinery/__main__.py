"""Command line of the refinery: `python -m model_core.data.refinery IN... --out DIR --workers N`.

It parses and prints; all work is in `run`.
"""

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path

from model_core.data.refinery.run import run_refinery
from model_core.data.refinery.settings import RefinerySettings
from model_core.errors import ModelCoreError


def main(arguments: list[str] | None = None) -> int:
    """Refine the files that the command line names; return 0, 2 for a permanent failure, 75 when trying again helps."""
    options = _parser().parse_args(arguments)
    started_s = time.monotonic()
    try:
        card = run_refinery(
            options.inputs,
            options.out,
            settings=_settings(options),
            workers=options.workers,
            evaluation=options.evaluation,
            limit=options.limit,
            report=lambda line: print(line, file=sys.stderr),
        )
    except ModelCoreError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2 if error.permanent else 75
    took_s = time.monotonic() - started_s
    print(f"{card['kept']} of {card['documents']} documents kept in {took_s:.1f} s; see {options.out / 'card.md'}")
    for reason, count in card["dropped"].items():
        print(f"  {reason}: {count}")
    return 0


def _settings(options: argparse.Namespace) -> RefinerySettings:
    defaults = RefinerySettings()
    return replace(
        defaults,
        shard_documents=options.shard_documents,
        min_korean=options.min_korean,
        duplicates=replace(defaults.duplicates, threshold=options.threshold),
    )


def _parser() -> argparse.ArgumentParser:
    defaults = RefinerySettings()
    parser = argparse.ArgumentParser(prog="python -m model_core.data.refinery", description="Refine Korean text.")
    parser.add_argument("inputs", nargs="+", type=Path, metavar="IN", help=".txt, .tsv or .jsonl, plain or .gz")
    parser.add_argument("--out", required=True, type=Path, help="folder of the shards and the data card")
    parser.add_argument("--workers", type=int, default=1, help="processes (default: %(default)s)")
    parser.add_argument(
        "--evaluation", type=Path, action="append", default=[], help="file that must not be trained on; may be repeated"
    )
    parser.add_argument("--limit", type=int, help="only the first documents of each input")
    parser.add_argument("--shard-documents", type=int, default=defaults.shard_documents)
    parser.add_argument("--min-korean", type=float, default=defaults.min_korean, help="share of Hangul among letters")
    parser.add_argument("--threshold", type=float, default=defaults.duplicates.threshold, help="Jaccard similarity")
    return parser


if __name__ == "__main__":
    sys.exit(main())
