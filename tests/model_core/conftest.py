"""Documents to pretrain on, as the tests of data and of runs read them."""

import json
from pathlib import Path

import pytest

from model_core.data.refinery.run import run_refinery
from model_core.data.refinery.settings import RefinerySettings
from model_core.data.simulator.expand import CallSimulator
from model_core.data.text.encode import encode_shards

TOKENIZER = Path("pretrained/summarizer-mini")


@pytest.fixture(scope="module")
def refined(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty simulated calls through the refinery, in three shards."""
    folder = tmp_path_factory.mktemp("refined")
    simulator = CallSimulator("train", 5)
    calls = ({"text": "\n".join(line.text for line in simulator.call(number).lines)} for number in range(60))
    source = folder / "calls.jsonl"
    source.write_text("".join(json.dumps(call, ensure_ascii=False) + "\n" for call in calls), encoding="utf-8")
    run_refinery([source], folder / "out", settings=RefinerySettings(shard_documents=20))
    return folder / "out"


@pytest.fixture(scope="module")
def tokens(refined: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Their token shards."""
    out = tmp_path_factory.mktemp("tokens")
    encode_shards(refined, TOKENIZER, out, lambda line: None)
    return out
