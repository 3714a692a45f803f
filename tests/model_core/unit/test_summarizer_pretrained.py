"""The shipped summarizer: stock on disk, as small as promised, as good as its card says."""

import json
from pathlib import Path

import pytest
import torch

from model_core.checkpoint.files import verify_folder
from model_core.checkpoint.pretrained import load_model, read_config
from model_core.data.simulator.expand import CallSimulator
from model_core.data.summary_format import encode_prompt
from model_core.data.tokenizer import load_tokenizer
from model_core.evaluation.card import CARD, RESULTS, card
from model_core.evaluation.suite import VARIANTS, evaluate_summaries
from model_core.inference.engine import SummaryGenerator
from tests.model_core.stock import check_logits, greedy_tokens, stock_greedy_tokens

FOLDER = Path(__file__).parents[3] / "pretrained" / "summarizer-mini"


def test_the_card_is_made_of_what_was_measured() -> None:
    results = json.loads((FOLDER / RESULTS).read_text(encoding="utf-8"))
    assert (FOLDER / CARD).read_text(encoding="utf-8") == card(FOLDER.name, results, read_config(FOLDER))


def test_the_folder_is_whole_small_and_holds_no_pickle() -> None:
    verify_folder(FOLDER)
    files = list(FOLDER.iterdir())
    assert sum(path.stat().st_size for path in files) < 64 * 2**20
    assert not [path.name for path in files if path.suffix in {".bin", ".pt", ".pth", ".pkl"}]


def test_stock_transformers_reads_the_same_logits_and_writes_the_same_tokens() -> None:
    from transformers import Glm4MoeForCausalLM

    ours, stock = load_model(FOLDER).eval(), Glm4MoeForCausalLM.from_pretrained(FOLDER, dtype=torch.float32).eval()
    check_logits(ours, stock, torch.randint(300, 4000, (2, 40), generator=torch.Generator().manual_seed(3)))
    prompt = encode_prompt(load_tokenizer(FOLDER), CallSimulator("test", 8).call(0).lines)
    assert greedy_tokens(ours, prompt, 256) == stock_greedy_tokens(stock, prompt, 256)


@pytest.mark.slow
def test_summaries_are_about_as_good_as_the_card_says() -> None:
    told = json.loads((FOLDER / RESULTS).read_text(encoding="utf-8"))["variants"]["spoken"]["model"]
    spoken = next(variant for variant in VARIANTS if variant.name == "spoken")
    measured = evaluate_summaries(SummaryGenerator.load(FOLDER), 8, variants=[spoken])["spoken"]["model"]
    assert measured["parse_rate"].value == 1.0
    assert measured["fact_recall"].value > told["fact_recall"]["value"] - 0.2
    assert measured["unsupported_values"].value <= 0.02
