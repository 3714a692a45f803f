"""How well and how fast does the shipped speech model write calls down, beside other Whisper folders in the same run?

`python benchmarks/speech.py pretrained/speech-mini /models/other`: a line a model, the same held-out turns for all.
"""

import argparse

from model_core.speech.evaluate import evaluate


def main() -> None:
    """Read the command line and print one line a model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="+", help="CTranslate2 folders; the first is usually pretrained/speech-mini")
    parser.add_argument("--per-voice", type=int, default=6)
    args = parser.parse_args()
    for model in args.models:
        result = evaluate(model, args.per_voice)
        lines = ", ".join(f"{name} {rate:.1%}" for name, rate in result["cer_by_line"].items())
        print(f"{model}: CER {result['cer']:.1%}, {result['real_time_factor']:.3f} of real time ({lines})")


if __name__ == "__main__":
    main()
