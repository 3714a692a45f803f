"""The shipped speech model, through WhisperX as the workers use it."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from model_core.speech.error_rate import character_error_rate
from model_core.speech.evaluate import heldout_turns, whisperx_transcriber

FOLDER = Path(__file__).parents[3] / "pretrained" / "speech-mini"


@pytest.fixture(scope="module")
def transcribe():
    return whisperx_transcriber(str(FOLDER), threads=1)


def test_held_out_turns_are_about_as_good_as_the_card_says(transcribe):
    measured = json.loads((FOLDER / "evaluation.json").read_text())["cer"]
    turns = list(heldout_turns(2, seed=31))
    assert len({turn.variant for turn in turns}) == 9
    written = transcribe([turn.samples for turn in turns])
    assert character_error_rate([turn.text for turn in turns], written) < measured * 1.5 + 0.05


def test_the_same_window_is_written_the_same_way_in_any_company(transcribe):
    turns = list(heldout_turns(1, seed=32))[:3]
    together = transcribe([turn.samples for turn in turns])
    assert [transcribe([turn.samples])[0] for turn in turns] == together


def test_silence_says_little(transcribe):
    assert len(transcribe([np.zeros(16_000 * 4, dtype=np.float32)])[0]) <= 12


def test_card_shows_what_was_measured():
    results = json.loads((FOLDER / "evaluation.json").read_text())
    card = (FOLDER / "README.md").read_text()
    assert f"**All: {results['cer']:.1%}.**" in card
    assert len(re.findall(r"\| \w+ \((?:fe)?male\) \|", card)) == len(results["cer_by_voice"]) == 9
    assert f"speech-mini {json.loads((FOLDER / 'yoyak.json').read_text())['version']}" in card


def test_folder_is_small_and_holds_no_pickle():
    files = [path for path in FOLDER.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 32 * 2**20
    assert not [path.name for path in files if path.suffix in {".pt", ".pth", ".pkl"}]
