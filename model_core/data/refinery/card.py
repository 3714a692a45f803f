"""The data card: what went in, what came out, what was dropped and why, as JSON for programs and Markdown for people.

Examples are places and hashes, never words. The same run gives the same card to the byte.
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from model_core.data.refinery.decontaminate import EvaluationIndex
from model_core.data.refinery.shards import Row, write_atomically, write_json
from model_core.data.refinery.stages import REASONS

_EXAMPLES = 3


def make_card(order: Row, parts: Sequence[Row], duplicates: Row, evaluation: EvaluationIndex | None) -> Row:
    """Return the figures of a run from the manifests of its parts and the counts of its duplicates."""
    dropped = Counter(duplicates["dropped"]) + _summed(part["dropped"] for part in parts)
    documents = sum(part["documents"] for part in parts)
    kept = duplicates["documents"]
    if documents != kept + dropped.total():
        raise ValueError(f"{documents} documents came in, but {kept} kept and {dropped.total()} dropped do not add up")
    examples: dict[str, list[str]] = dict(duplicates["examples"])
    for part in parts:
        for reason, places in part["examples"].items():
            examples[reason] = (examples.get(reason, []) + places)[:_EXAMPLES]
    return {
        "documents": documents,
        "kept": kept,
        "characters": duplicates["characters"],
        "dropped": {reason: dropped[reason] for reason in REASONS if dropped[reason]},
        "changes": dict(sorted(_summed(part["changes"] for part in parts).items())),
        "languages": dict(sorted(_summed(part["languages"] for part in parts).items())),
        "examples": {reason: examples[reason] for reason in REASONS if reason in examples},
        "evaluation_items": evaluation.items if evaluation else 0,
        "evaluation_items_too_short": evaluation.ignored if evaluation else 0,
        "inputs": order["inputs"],
        "limit": order["limit"],
        "settings": order["settings"],
        "files": duplicates["files"],
    }


def _summed(counts: Iterable[dict[str, int]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for one in counts:
        total.update(one)
    return total


def write_card(out: Path, card: Row) -> None:
    """Write `card.json` and `card.md` into the output folder."""
    write_json(out / "card.json", card)
    write_atomically(out / "card.md", markdown(card).encode())


def markdown(card: Row) -> str:
    """Return a card for people to read."""
    share = card["kept"] / card["documents"] if card["documents"] else 0.0
    lines = [
        "# Data card",
        "",
        f"{card['documents']:,} documents in, {card['kept']:,} kept ({share:.1%}), {card['characters']:,} characters.",
        "",
        *_table(("input", "SHA-256"), [(name, f"`{digest[:16]}…`") for name, digest in card["inputs"].items()]),
        "## Dropped",
        "",
        *_table(
            ("reason", "documents", "share", "meaning"),
            [
                (reason, f"{count:,}", f"{count / card['documents']:.2%}", REASONS[reason])
                for reason, count in card["dropped"].items()
            ],
        ),
        "## Changed",
        "",
        *_table(("stage and kind", "places"), [(kind, f"{count:,}") for kind, count in card["changes"].items()]),
        "## Languages seen",
        "",
        *_table(("language", "documents"), [(code, f"{count:,}") for code, count in card["languages"].items()]),
        "## Evaluation",
        "",
        f"Held against {card['evaluation_items']:,} evaluation items; {card['evaluation_items_too_short']:,} more were "
        "too short to be told from everyday speech.",
        "",
        "## Examples of what was dropped",
        "",
        "Place in the input and a hash of the content; the words themselves are in the source only.",
        "",
        *(f"- {reason}: {', '.join(f'`{place}`' for place in places)}" for reason, places in card["examples"].items()),
        "",
        "## Settings",
        "",
        "```json",
        json.dumps(card["settings"], indent=1, sort_keys=True),
        "```",
    ]
    return "\n".join(lines) + "\n"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    body = [f"| {' | '.join(row)} |" for row in rows] or [f"| {' | '.join(['-'] * len(heads))} |"]
    return [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}", *body, ""]
