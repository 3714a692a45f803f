"""The model card of the speech model, made from what `evaluate` measured: no figure in it is typed by hand.

`python -m model_core.speech.card --model pretrained/speech-mini`. It knows the results file and the card's words.
"""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from model_core.data.simulator.voice import TEST_FEMALE

RESULTS, CARD = "evaluation.json", "README.md"

_TEMPLATE = """# speech-mini {version}

A small speech recognizer for Korean telephone calls: Whisper's architecture, {parameters:.1f} million parameters,
trained from random weights by this project on simulated calls. The folder loads in `whisperx.load_model` and
faster-whisper like any other CTranslate2 model; `hf/` holds the same weights in float16 for transformers and for
further training.

## What it is for

Trying the product without downloading anything, tests, and development. It has only ever heard a synthesizer. For
recordings of people, set `YOYAK_ASR_MODEL` to a larger Whisper; nothing else changes.

## Measured

Through WhisperX with beam search (3), on {turns} turns ({minutes:.0f} minutes) of call scripts that were never trained
on, in {voices} espeak-ng variants that were never trained on. Character error rate, spaces and punctuation aside.

**All: {cer:.1%}.** Speed: {real_time_factor:.3f} of real time on two cores, int8.

| line | CER |
|---|---|
{by_line}

| voice (held out) | CER |
|---|---|
{by_voice}

A few of them, as said and as written:

{examples}

## How it was made

- Speech: espeak-ng, Korean, some sixty variants, pitch, 120 to 230 words a minute, spectra shifted by -13 to 15 %.
- Line: 300 to 3400 Hz at 8 kHz through real G.711 codes (mu-law and A-law), or 16 kHz; levels, tilt, clipping, hum,
  noise and other talk, lost packets.
- Text: about half turns of the simulator's training scripts and short phrases full of numbers, names and addresses; the
  rest conversational pairs (github.com/songys/Chatbot_data, MIT, Youngsook Song 2018), film reviews
  (github.com/e9t/nsmc, CC0) cleaned to plain Hangul, and words in no order.
- Learning: {training}
- Vocabulary: byte-level syllables, all 256 bytes, then Whisper's special tokens and time tokens. The prompt is
  `<|startoftranscript|><|notimestamps|>`; time tokens were not trained. CTranslate2 takes such a vocabulary for
  English-only: the language is set by the caller.

Numbers are written by name, as they are spoken. Go on from these weights with
`python -m model_core.speech.train --run runs/speech --corpora FOLDER --init pretrained/speech-mini/hf`; convert with
`python -m model_core.speech.convert`, measure with `python -m model_core.speech.evaluate`, and write this page with
`python -m model_core.speech.card`.

## Limits

Synthetic voices only; no dialects, no laughter, no singing, no other languages. Other voices than espeak-ng's are
expected to be understood badly. Names and rare words are the first to go wrong.
"""


def card(results: Mapping[str, Any], version: str) -> str:
    """Return the card's Markdown for `results` as `evaluate` returns them, with the note on training added."""
    sex = {name: "female" if name in TEST_FEMALE else "male" for name in results["cer_by_voice"]}
    voices = [f"| {name} ({sex[name]}) | {rate:.1%} |" for name, rate in results["cer_by_voice"].items()]
    lines = [f"| {name} | {rate:.1%} |" for name, rate in results["cer_by_line"].items()]
    pairs = [f"- {pair['said']}<br>{pair['written'].strip()}" for pair in results["examples"]]
    return _TEMPLATE.format(
        version=version,
        parameters=results["parameters"] / 1e6,
        turns=results["turns"],
        minutes=results["audio_s"] / 60,
        voices=len(voices),
        cer=results["cer"],
        real_time_factor=results["real_time_factor"],
        by_line="\n".join(lines),
        by_voice="\n".join(voices),
        examples="\n".join(pairs),
        training=results["training"],
    )


def main() -> None:
    """Write the card of a model folder from the results and the version that lie in it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="model folder with evaluation.json and yoyak.json")
    args = parser.parse_args()
    results = json.loads((args.model / RESULTS).read_text(encoding="utf-8"))
    description = json.loads((args.model / "yoyak.json").read_text(encoding="utf-8"))
    results |= {"parameters": description["parameters"], "training": description["training"]}
    (args.model / CARD).write_text(card(results, description["version"]), encoding="utf-8")


if __name__ == "__main__":
    main()
