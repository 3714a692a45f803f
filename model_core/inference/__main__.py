"""The command line of the inference package: make the tokenizer folder that every model of ours carries."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from model_core.data.call import SimulatedCall
from model_core.data.corpus import call_texts, file_texts, training_calls
from model_core.data.korean.values import find_values
from model_core.data.quoting import quoted
from model_core.data.tokenizer import VOCAB_SIZE, train_tokenizer
from model_core.errors import ModelCoreError
from model_core.inference.lexicon import build_lexicon


def _texts(options: argparse.Namespace) -> Iterator[str]:
    yield from call_texts(options.calls)
    for path in options.corpus:
        yield from file_texts(path, options.corpus_lines)


def _quoted_calls(count: int) -> Iterator[SimulatedCall]:
    """Yield training calls with their references in the calls' own words, as training shows them."""
    for call in training_calls(count, seed=1):
        yield replace(call, summary=quoted(call.summary, call.lines))


def prepare(options: argparse.Namespace) -> None:
    """Write the lexicon and, unless only that is asked for, the tokenizer into a folder."""
    options.out.mkdir(parents=True, exist_ok=True)
    if not options.lexicon_only:
        tokenizer = train_tokenizer(_texts(options), options.vocab_size)
        tokenizer.save(options.out)
        print(f"{options.out}: {tokenizer.vocab_size} tokens")
    lexicon = build_lexicon(_quoted_calls(options.calls), lambda text: bool(find_values(text)))
    lexicon.save(options.out)
    print(f"{options.out}: {len(lexicon.words)} words, {len(lexicon.stems)} stems, {len(lexicon.added)} endings")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a subcommand; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m model_core.inference", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    making = commands.add_parser("prepare", help="train the tokenizer and learn the lexicon of the training scripts")
    making.add_argument("--out", type=Path, required=True, help="the folder to write")
    making.add_argument("--calls", type=int, default=6000, help="simulated calls to learn from")
    making.add_argument("--corpus", type=Path, action="append", default=[], help="a text file; may be given often")
    making.add_argument("--corpus-lines", type=int, default=30_000, help="lines to take of each corpus")
    making.add_argument("--vocab-size", type=int, default=VOCAB_SIZE)
    making.add_argument("--lexicon-only", action="store_true", help="keep the tokenizer that is there")
    try:
        prepare(parser.parse_args(arguments))
    except ModelCoreError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
