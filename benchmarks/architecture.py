"""Does a mixture of experts pay? A dense decoder, a mixture, and a mixture with a shared expert, on the same calls.

All have the same number of weights at work on a token (routers aside) and read the same tokens in the same order; the
two mixtures hold the same number of experts. Printed are the held-out loss of a summary token and the share of required
facts in the summaries written, by tokens read and by seconds of processor time in training; the variants take turns,
so that a busy machine slows all of them. With `--out` what was done is kept there, and the same command goes on.

`python benchmarks/architecture.py [--tokens 250000] [--width 192] [--layers 4] [--experts 16] [--choices 2]
[--expert-width 128] [--evaluations 8] [--fact-calls 8] [--threads 1] [--out FOLDER] [--svg PATH]`
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from chart import line_charts
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from model_core.checkpoint.store import Progress, Snapshot
from model_core.config.parameters import active_parameters, total_parameters
from model_core.config.recipes import get_recipe
from model_core.config.schema import ModelConfig, RunConfig
from model_core.data.batches import BatchMaker, StepBatch
from model_core.data.encoding import ExampleEncoder
from model_core.data.examples import SimulatedExamples
from model_core.data.packing import PackedBatch
from model_core.data.tokenizer import load_tokenizer
from model_core.evaluation.statistics import Measure
from model_core.evaluation.suite import VARIANTS, evaluate_summaries
from model_core.inference.engine import SummaryGenerator
from model_core.inference.lexicon import load_lexicon
from model_core.models.copying import wire_copying
from model_core.models.decoder import Decoder
from model_core.ops.memory import keep_freed_memory
from model_core.training.trainer import Trainer

TOKENS_A_STEP = 4096
_MODEL, _STEP = "model.", "step"
SPOKEN = next(variant for variant in VARIANTS if variant.name == "spoken")
FOLDER = Path(get_recipe("summarizer_mini").data.tokenizer)


@dataclass(frozen=True)
class Point:
    """How a variant stood: tokens read, seconds of processor time in training steps, held-out loss, facts held."""

    tokens: int
    seconds: float
    loss: float
    facts: Measure


def variants(args: argparse.Namespace) -> dict[str, ModelConfig]:
    """Return the models to compare; all feed-forwards are choices + 1 experts wide."""
    shared = replace(
        get_recipe("summarizer_mini").model,
        hidden_size=args.width,
        num_layers=args.layers,
        head_dim=args.width // 4,
        dense_intermediate_size=(args.choices + 1) * args.expert_width,
        moe_intermediate_size=args.expert_width,
        num_experts=args.experts,
        num_experts_per_token=args.choices,
    )
    alone = replace(shared, shared_expert=False, num_experts=args.experts + 1, num_experts_per_token=args.choices + 1)
    return {"dense": replace(shared, num_dense_layers=args.layers), "MoE": alone, "MoE + shared expert": shared}


class Contestant:
    """A variant in training, and how it stood so far; both lie in `folder` too."""

    def __init__(self, config: ModelConfig, args: argparse.Namespace, folder: Path) -> None:
        recipe = get_recipe("summarizer_mini")
        steps = args.tokens // TOKENS_A_STEP
        train = replace(
            recipe.train,
            max_steps=steps,
            tokens_per_step=TOKENS_A_STEP,
            tokens_per_micro_batch=TOKENS_A_STEP,
            warmup_steps=max(1, steps // 10),
            ema_decay=0.0,
        )
        model = Decoder(config)
        model.init_weights(train.seed)
        wire_copying(model, train.seed)
        self.trainer = Trainer(RunConfig(name="architecture", model=config, train=train), model)
        self.points: list[Point] = []
        self._file = folder / "state.safetensors"
        if self._file.is_file():
            self._go_on()

    def _go_on(self) -> None:
        """Take over what an earlier process did."""
        with safe_open(self._file, "pt") as stored:
            rows = json.loads(stored.metadata()["points"])
        self.points = [Point(**{**row, "facts": Measure(**row["facts"])}) for row in rows]
        tensors = load_file(self._file)
        model = {name.removeprefix(_MODEL): t for name, t in tensors.items() if name.startswith(_MODEL)}
        self.trainer.restore(Snapshot(Progress(int(tensors.pop(_STEP)), 0), model, tensors))

    def train(self, batches: Sequence[StepBatch], measure: Callable[[Trainer], tuple[float, Measure]]) -> None:
        """Read some batches, see how the variant stands, and keep both."""
        began = time.process_time()
        for batch in batches:
            self.trainer.step(batch)
        seconds = time.process_time() - began + (self.points[-1].seconds if self.points else 0.0)
        tokens = sum(batch.tokens for batch in batches) + (self.points[-1].tokens if self.points else 0)
        self.points.append(Point(tokens, seconds, *measure(self.trainer)))
        self._save()

    def _save(self) -> None:
        # Not as a model folder: the stock class has no mixture without a shared expert.
        snapshot = self.trainer.snapshot()
        tensors = {f"{_MODEL}{name}": tensor for name, tensor in snapshot.model.items()} | dict(snapshot.state)
        tensors[_STEP] = torch.tensor(snapshot.progress.step)
        self._file.parent.mkdir(parents=True, exist_ok=True)
        part = self._file.with_suffix(".part")
        save_file(tensors, part, metadata={"points": json.dumps([asdict(point) for point in self.points])})
        part.rename(self._file)


def make_batches(split: str, count: int, max_tokens: int) -> list[StepBatch]:
    """Return the first batches of a split, made before any clock runs."""
    recipe = get_recipe("summarizer_mini")
    source = SimulatedExamples(split, recipe.train.seed, recipe.data.noise_levels, recipe.data.substitute_share)
    weight = recipe.train.transcript_loss_weight
    maker = BatchMaker(source, ExampleEncoder(FOLDER), max_tokens, TOKENS_A_STEP, 1, weight)
    batches: list[StepBatch] = []
    for _ in range(count):
        batches.append(maker.step(batches[-1].next_index if batches else 0))
    return batches


def measure(trainer: Trainer, held_out: Sequence[PackedBatch], fact_calls: int) -> tuple[float, Measure]:
    """Return the held-out loss of a summary token and the share of facts in the summaries of spoken test calls."""
    loss = trainer.held_out_loss(held_out)
    generator = SummaryGenerator(trainer.model, load_tokenizer(FOLDER), load_lexicon(FOLDER))
    results = evaluate_summaries(generator, fact_calls, variants=[SPOKEN])
    return loss, results[SPOKEN.name]["model"]["fact_recall"]


def compare(args: argparse.Namespace, folder: Path) -> dict[str, Contestant]:
    """Train all variants in turns; return them with their points."""
    configs = variants(args)
    longest = next(iter(configs.values())).max_positions
    batches = make_batches("train", args.tokens // TOKENS_A_STEP, longest)
    held_out = [micro for step in make_batches("test", args.held_out, longest) for micro in step.micro_batches]
    contestants = {name: Contestant(config, args, folder / name) for name, config in configs.items()}
    for number, part in enumerate(np.array_split(np.arange(len(batches)), args.evaluations)):
        for contestant in contestants.values():
            if len(contestant.points) == number:
                contestant.train(
                    [batches[index] for index in part], lambda trainer: measure(trainer, held_out, args.fact_calls)
                )
    return contestants


def print_tables(contestants: dict[str, Contestant]) -> None:
    """Print sizes and the end, then loss and facts by tokens and at equal processor time, as Markdown tables."""
    print(
        "| model | weights | at work on a token | tokens/s | loss | facts (95 % interval) |\n|---|---|---|---|---|---|"
    )
    for name, contestant in contestants.items():
        config, last = contestant.trainer.model.config, contestant.points[-1]
        sizes = f"{total_parameters(config):,} | {active_parameters(config):,}"
        facts = f"{last.facts.value:.0%} ({last.facts.low:.0%} to {last.facts.high:.0%})"
        print(f"| {name} | {sizes} | {last.tokens / last.seconds:,.0f} | {last.loss:.3f} | {facts} |")
    heads = " | ".join(contestants)
    print(f"\nloss, facts\n\n| tokens | {heads} |\n|---|{'---|' * len(contestants)}")
    for points in zip(*(contestant.points for contestant in contestants.values()), strict=True):
        print(f"| {points[0].tokens:,} | {' | '.join(f'{p.loss:.3f}, {p.facts.value:.0%}' for p in points)} |")
    print(f"\n| seconds | {heads} |\n|---|{'---|' * len(contestants)}")
    first = max(contestant.points[0].seconds for contestant in contestants.values())
    end = min(contestant.points[-1].seconds for contestant in contestants.values())
    for seconds in np.linspace(first, end, 4) if end > first else ():
        print(
            f"| {seconds:.0f} | {' | '.join(_at(contestant.points, seconds) for contestant in contestants.values())} |"
        )


def _at(points: Sequence[Point], seconds: float) -> str:
    """Return loss and facts at a time between two points, on the line between them."""
    times = [point.seconds for point in points]
    loss = np.interp(seconds, times, [point.loss for point in points])
    return f"{loss:.3f}, {np.interp(seconds, times, [point.facts.value for point in points]):.0%}"


def draw(contestants: dict[str, Contestant]) -> str:
    """Return the loss by tokens and by seconds, side by side, as SVG text."""
    lines = {name: contestant.points for name, contestant in contestants.items()}
    return line_charts(
        {
            "tokens read": {name: [(p.tokens, p.loss) for p in points] for name, points in lines.items()},
            "processor seconds": {name: [(p.seconds, p.loss) for p in points] for name, points in lines.items()},
        },
        "held-out loss of a summary token",
    )


def main() -> None:
    """Read the command line, compare, print the tables and write the chart where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sizes = {"tokens": 250_000, "width": 192, "layers": 4, "experts": 16, "choices": 2, "expert-width": 128}
    for name, default in {**sizes, "evaluations": 8, "held-out": 4, "fact-calls": 8, "threads": 1}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--out", type=Path, help="folder to keep the state in and to go on from; the same arguments")
    parser.add_argument("--svg", type=Path)
    args = parser.parse_args()
    if args.tokens < args.evaluations * TOKENS_A_STEP:
        parser.error(f"--tokens is {args.tokens}; it must be at least {args.evaluations * TOKENS_A_STEP}")
    torch.set_num_threads(args.threads)
    keep_freed_memory()
    with tempfile.TemporaryDirectory() as temporary:
        contestants = compare(args, args.out or Path(temporary))
    print_tables(contestants)
    if args.svg:
        args.svg.write_text(draw(contestants), encoding="utf-8")


if __name__ == "__main__":
    main()
