"""The model card of a summarizer, made from what the suite measured: no figure in it is typed by hand.

`python -m model_core.evaluation card --model pretrained/summarizer-mini` writes it beside the weights. It knows the
results file and the card's words.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from model_core.checkpoint.pretrained import read_config
from model_core.config.schema import ModelConfig
from model_core.evaluation.report import markdown
from model_core.evaluation.statistics import Measure
from model_core.evaluation.suite import Results
from model_core.models.decoder import Decoder

RESULTS: Final = "evaluation.json"
CARD: Final = "README.md"

_TEMPLATE: Final = """# {name}

A small summarizer of Korean telephone calls: a decoder with mixture-of-experts layers, {total:.1f} million
parameters of which {active:.1f} million work on a token, trained from random weights by this project on
simulated calls. The folder is a stock `Glm4MoeForCausalLM` and loads in transformers and in servers that know
that class; `model_core.inference` adds the grammar that makes its output a summary.

## What it is for

Trying the product without downloading anything, tests, and development; retraining on a company's own approved
summaries. It has only ever read calls of a simulator.

## How it writes

A statement is made of whole clauses of the lines it rests on, in their order, without what opens them and
without what the speaker took back: the model chooses lines, clauses and which words are values; an automaton does
the reading. What it has read is then noted down by rule: endings become nominal (보낼게요: 보내기로 함), figures are
written as people write them (오만 원: 5만 원). An action rests on a promise or a request; whose it is and when it is
due is read from the words of that promise by rule. Titles are a few words of the call.

## Measured

On {calls} calls of each kind, made from scripts that were never trained on, beside two extractive baselines that
were given as many characters as the model took. In brackets 95 % intervals. "Recognizer" means that this share of
the syllables was made wrong the way a recognizer does. A time of an action that the reference leaves out counts as
one that it does not have. `manage.py evaluate summaries` gives the same figures.

{tables}
## How it was made

- Data: the simulator's training scripts, expanded into calls with hesitations, corrections, confirmations and
  second topics; clean, and with 3, 8 and 15 % of the syllables wrong; nouns exchanged in many calls.
- References: which lines matter is learned from hand-written references; the words are the lines' own.
- Training: {training}.
- Architecture: {architecture}

## Limits

Sixteen kinds of calls in Korean; other calls are summarized by the sentences that look most like something
important. What a recognizer mishears is quoted as it was heard. Sentiment and outcome are guesses. An action has no
time where another sentence than its promise says it, and what the call itself settled may stand among the actions.
"""


def card(name: str, results: Mapping[str, Any], config: ModelConfig) -> str:
    """Return the card's Markdown for results as `evaluate` returns them, with `training` telling how it was trained."""
    total, active = _parameters(config)
    variants = _measures(results["variants"])
    calls = next(iter(variants.values()))["model"]["seconds_per_call"].count
    shared = " and one shared" if config.shared_expert else ""
    architecture = (
        f"{config.num_layers} layers of width {config.hidden_size}, the first dense, {config.num_experts} experts of "
        f"{config.moe_intermediate_size} with {config.num_experts_per_token} a token{shared}, "
        f"{config.num_heads} heads of {config.head_dim} over {config.num_kv_heads} key-value heads, "
        f"{config.vocab_size} tokens of vocabulary, context {config.max_positions}."
    )
    return _TEMPLATE.format(
        name=name,
        total=total / 1e6,
        active=active / 1e6,
        calls=f"{calls:.0f}",
        tables=markdown(variants),
        training=results["training"],
        architecture=architecture,
    )


def _measures(variants: Mapping[str, Any]) -> Results:
    return {
        variant: {
            system: {measure: Measure(**values) for measure, values in measured.items()}
            for system, measured in systems.items()
        }
        for variant, systems in variants.items()
    }


def _parameters(config: ModelConfig) -> tuple[int, int]:
    """Return how many parameters there are, and how many of them work on a token."""
    total = sum(parameter.numel() for parameter in Decoder(config).parameters())
    expert = 3 * config.hidden_size * config.moe_intermediate_size
    idle = (config.num_layers - config.num_dense_layers) * (config.num_experts - config.num_experts_per_token) * expert
    return total, total - idle


def write_card(folder: Path) -> Path:
    """Write the card of a model folder from the results that lie in it; return its path."""
    results = json.loads((folder / RESULTS).read_text(encoding="utf-8"))
    path = folder / CARD
    path.write_text(card(folder.name, results, read_config(folder)), encoding="utf-8")
    return path
