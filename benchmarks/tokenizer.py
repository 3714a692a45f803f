"""How much of a Korean call does a token hold? The summarizer's tokenizer beside UTF-8 bytes and Whisper's vocabulary.

Lines of simulated test calls, without structure tokens. Whisper's multilingual vocabulary is read from an installed
openai-whisper, or from the file given by --whisper; without either its row says so.
"""

import argparse
import base64
import json
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from model_core.data.simulator.expand import CallSimulator
from model_core.data.tokenizer import SummaryTokenizer, load_tokenizer

# Source: the split of GPT-2, which openai-whisper's tokenizer.py uses for every vocabulary.
_SPLIT = r"""'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"""


def whisper_file() -> Path | None:
    """Return the multilingual vocabulary of an installed openai-whisper, None when there is none."""
    found = find_spec("whisper")
    path = Path(found.origin).parent / "assets" / "multilingual.tiktoken" if found and found.origin else None
    return path if path and path.exists() else None


def whisper_counter(path: Path) -> tuple[Callable[[str], int], int]:
    """Return how many tokens Whisper's vocabulary needs for a text, and the size of the vocabulary."""
    import tiktoken

    rows = (line.split() for line in path.read_text().splitlines() if line)
    ranks = {base64.b64decode(token): int(rank) for token, rank in rows}
    encoding = tiktoken.Encoding("whisper", pat_str=_SPLIT, mergeable_ranks=ranks, special_tokens={})
    return lambda text: len(encoding.encode_ordinary(text)), len(ranks)


def measure(tokenizer: SummaryTokenizer, whisper: Path | None, calls: int) -> dict[str, dict[str, float]]:
    """Return tokens, characters a token and bytes a token by way, over the lines of test calls."""
    simulator = CallSimulator("test", seed=1)
    lines = [line.text for index in range(calls) for line in simulator.call(index).lines]
    ways: dict[str, tuple[Callable[[str], int], int]] = {
        "summarizer-mini": (lambda text: len(tokenizer.encode_text(text)), tokenizer.vocab_size),
        "UTF-8 bytes": (lambda text: len(text.encode()), 256),
    }
    if whisper:
        ways["Whisper, multilingual"] = whisper_counter(whisper)
    characters, size_bytes = sum(map(len, lines)), sum(len(line.encode()) for line in lines)
    results = {}
    for name, (count, vocabulary) in ways.items():
        tokens = sum(map(count, lines))
        results[name] = {
            "vocabulary": vocabulary,
            "tokens": tokens,
            "characters_per_token": characters / tokens,
            "bytes_per_token": size_bytes / tokens,
        }
    return results


def main() -> None:
    """Read the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=100)
    parser.add_argument("--tokenizer", type=Path, default=Path("pretrained/summarizer-mini"))
    parser.add_argument("--whisper", type=Path, default=whisper_file(), help="a .tiktoken file")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    results = measure(load_tokenizer(options.tokenizer), options.whisper, options.calls)
    if options.json:
        print(json.dumps(results, ensure_ascii=False, indent=1))
        return
    print(f"{options.calls} test calls\n")
    print("| | vocabulary | tokens | characters a token | bytes a token |")
    print("|---|---:|---:|---:|---:|")
    for name, result in results.items():
        print(
            f"| {name} | {result['vocabulary']:,} | {result['tokens']:,} | {result['characters_per_token']:.2f} "
            f"| {result['bytes_per_token']:.2f} |"
        )
    if options.whisper is None:
        print("| Whisper, multilingual | left out: openai-whisper is not installed and no --whisper is given | | | |")


if __name__ == "__main__":
    main()
