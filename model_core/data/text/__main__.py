"""Command line of token shards: `python -m model_core.data.text REFINED --tokenizer FOLDER --out FOLDER`.

It parses and prints; all work is in `encode`.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from model_core.data.text.encode import encode_shards
from model_core.errors import ModelCoreError


def main(arguments: Sequence[str] | None = None) -> int:
    """Encode the shards of a refinery; return 0, 2 for a permanent failure, 75 when trying again helps."""
    parser = argparse.ArgumentParser(prog="python -m model_core.data.text", description="Make tokens of refined text.")
    parser.add_argument("refined", type=Path, help="folder that python -m model_core.data.refinery wrote")
    parser.add_argument("--tokenizer", type=Path, default=Path("pretrained/summarizer-mini"), help="tokenizer's folder")
    parser.add_argument("--out", type=Path, required=True, help="folder of the token shards")
    options = parser.parse_args(arguments)
    try:
        manifest = encode_shards(
            options.refined, options.tokenizer, options.out, lambda line: print(line, file=sys.stderr)
        )
    except ModelCoreError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2 if error.permanent else 75
    print(f"{manifest['documents']:,} documents, {manifest['tokens']:,} tokens in {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
