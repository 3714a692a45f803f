"""From a training checkpoint to the folder that ships: CTranslate2's converter, and half-precision weights beside it.

`python -m model_core.speech.convert --run runs/speech --out pretrained/speech-mini`. It knows folders and formats only.
"""

import argparse
import json
import shutil
import tempfile
from pathlib import Path

import torch
from ctranslate2.converters import TransformersConverter
from safetensors.torch import load_file, save_file
from transformers import WhisperFeatureExtractor, WhisperForConditionalGeneration

from model_core.speech.features import NUM_MELS
from model_core.speech.model import HEADS
from model_core.speech.tokenizer import load_tokenizer, save_tokenizer

QUANTIZATION = "int8"
SHIPPED = "hf"


def convert(checkpoint: Path, out: Path, version: str, *, with_weights: bool = True) -> None:
    """Write `out` from a checkpoint folder: `model.bin` and what faster-whisper reads beside it, and `yoyak.json`.

    `with_weights` also writes `out/hf`, float16 safetensors from which training goes on. Files appear whole.
    """
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent) as scratch:
        source, target = Path(scratch) / "source", Path(scratch) / "target"
        _write_source(checkpoint, source)
        copied = ["tokenizer.json", "preprocessor_config.json"]
        TransformersConverter(str(source), copy_files=copied).convert(str(target), quantization=QUANTIZATION)
        (target / "yoyak.json").write_text(json.dumps(_description(checkpoint, version), ensure_ascii=False, indent=1))
        for path in sorted(target.iterdir()):
            path.replace(out / path.name)
    if with_weights:
        write_weights(checkpoint, out / SHIPPED)


def _description(checkpoint: Path, version: str) -> dict[str, object]:
    state = json.loads((checkpoint / "state.json").read_text())
    weights = load_file(checkpoint / "model.safetensors")
    training = (
        f"{state['step']} steps in {state['elapsed_s'] / 60:.0f} minutes on a CPU{_before(state['config'])}; "
        "CTC losses over jamo and syllables, attention guided at first."
    )
    return {
        "name": "speech-mini",
        "version": version,
        "languages": ["ko"],
        "parameters": sum(value.numel() for value in weights.values()),
        "training": training,
    }


def _before(config: dict[str, float]) -> str:
    return ", going on from the weights of an earlier version" if config.get("starts_at") else ""


def _write_source(checkpoint: Path, source: Path) -> None:
    model = WhisperForConditionalGeneration.from_pretrained(checkpoint, torch_dtype=torch.float32)
    # Nothing is forbidden at the beginning: an empty transcript is the right one for silence.
    model.generation_config.suppress_tokens = []
    model.generation_config.begin_suppress_tokens = []
    model.save_pretrained(source)
    save_tokenizer(load_tokenizer(checkpoint), source)
    WhisperFeatureExtractor(feature_size=NUM_MELS).save_pretrained(source)


def write_weights(checkpoint: Path, folder: Path) -> None:
    """Write the checkpoint's weights and CTC heads as float16 safetensors, for training to go on from."""
    shutil.rmtree(folder, ignore_errors=True)
    model = WhisperForConditionalGeneration.from_pretrained(checkpoint, torch_dtype=torch.float16)
    model.save_pretrained(folder)
    save_tokenizer(load_tokenizer(checkpoint), folder)
    heads = {name: value.half() for name, value in load_file(checkpoint / HEADS).items()}
    save_file(heads, folder / HEADS)


def main() -> None:
    """Read the command line and convert the last checkpoint of a run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, required=True, help="folder of the run")
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    parser.add_argument("--version", required=True, help="version label, written to yoyak.json")
    parser.add_argument("--no-weights", action="store_true", help="leave out the weights for further training")
    args = parser.parse_args()
    convert(args.run / "last", args.out, args.version, with_weights=not args.no_weights)


if __name__ == "__main__":
    main()
