"""Does a mixture of experts pay? A dense decoder, a mixture, and a mixture with a shared expert, on the same calls.

All have the same number of weights at work on a token (routers aside) and read the same tokens in the same order; the
two mixtures hold the same number of experts. Printed is the held-out loss of a summary token, by tokens read and by
seconds of processor time in training; the variants take turns, so that a busy machine slows all of them.

`python benchmarks/architecture.py [--tokens 250000] [--width 192] [--layers 4] [--experts 16] [--choices 2]
[--expert-width 128] [--evaluations 8] [--threads 1] [--svg PATH] [--json PATH]`
"""

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from chart import line_charts

from model_core.config.plan import active_parameters, total_parameters
from model_core.config.recipes import get_recipe
from model_core.config.schema import ModelConfig, RunConfig
from model_core.data.batches import BatchMaker, StepBatch
from model_core.data.encoding import ExampleEncoder
from model_core.data.examples import SimulatedExamples
from model_core.data.packing import PackedBatch
from model_core.models.copying import wire_copying
from model_core.models.decoder import Decoder
from model_core.training.trainer import Trainer

TOKENS_A_STEP = 4096


@dataclass(frozen=True)
class Point:
    """How a variant stood: tokens read, seconds of processor time in training steps, held-out loss."""

    tokens: int
    seconds: float
    loss: float


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
    """A variant in training, and how it stood so far."""

    def __init__(self, config: ModelConfig, args: argparse.Namespace) -> None:
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
        self._tokens, self._seconds = 0, 0.0

    def train(self, batches: Sequence[StepBatch], held_out: Sequence[PackedBatch]) -> None:
        """Read some batches, then see how the loss stands."""
        began = time.process_time()
        for batch in batches:
            self.trainer.step(batch)
            self._tokens += batch.tokens
        self._seconds += time.process_time() - began
        loss = self.trainer.held_out_loss(held_out)
        self.points.append(Point(self._tokens, self._seconds, loss))


def make_batches(split: str, count: int, max_tokens: int) -> list[StepBatch]:
    """Return the first batches of a split, made before any clock runs."""
    recipe = get_recipe("summarizer_mini")
    source = SimulatedExamples(split, recipe.train.seed, recipe.data.noise_levels, recipe.data.substitute_share)
    weight = recipe.train.transcript_loss_weight
    encoder = ExampleEncoder(Path(recipe.data.tokenizer))
    maker = BatchMaker(source, encoder, max_tokens, TOKENS_A_STEP, 1, weight)
    batches: list[StepBatch] = []
    for _ in range(count):
        batches.append(maker.step(batches[-1].next_index if batches else 0))
    return batches


def compare(args: argparse.Namespace) -> dict[str, Contestant]:
    """Train all variants in turns; return them with their points."""
    configs = variants(args)
    longest = next(iter(configs.values())).max_positions
    batches = make_batches("train", args.tokens // TOKENS_A_STEP, longest)
    held_out = [micro for step in make_batches("test", args.held_out, longest) for micro in step.micro_batches]
    contestants = {name: Contestant(config, args) for name, config in configs.items()}
    for part in np.array_split(np.arange(len(batches)), args.evaluations):
        for contestant in contestants.values():
            contestant.train([batches[index] for index in part], held_out)
    return contestants


def print_tables(contestants: dict[str, Contestant]) -> None:
    """Print sizes, then the loss by tokens and at equal processor time, as Markdown tables."""
    print("| model | weights | at work on a token | tokens/s |\n|---|---|---|---|")
    for name, contestant in contestants.items():
        config, last = contestant.trainer.model.config, contestant.points[-1]
        sizes = f"{total_parameters(config):,} | {active_parameters(config):,}"
        print(f"| {name} | {sizes} | {last.tokens / last.seconds:,.0f} |")
    heads = " | ".join(contestants)
    print(f"\n| tokens | {heads} |\n|---|{'---|' * len(contestants)}")
    for points in zip(*(contestant.points for contestant in contestants.values()), strict=True):
        print(f"| {points[0].tokens:,} | {' | '.join(f'{point.loss:.3f}' for point in points)} |")
    print(f"\n| seconds | {heads} |\n|---|{'---|' * len(contestants)}")
    first = max(contestant.points[0].seconds for contestant in contestants.values())
    end = min(contestant.points[-1].seconds for contestant in contestants.values())
    for seconds in np.linspace(first, end, 4) if end > first else ():
        losses = (f"{_loss_at(contestant.points, seconds):.3f}" for contestant in contestants.values())
        print(f"| {seconds:.0f} | {' | '.join(losses)} |")


def _loss_at(points: Sequence[Point], seconds: float) -> float:
    return float(np.interp(seconds, [point.seconds for point in points], [point.loss for point in points]))


def draw(contestants: dict[str, Contestant]) -> str:
    """Return both charts as SVG text."""
    lines = {name: contestant.points for name, contestant in contestants.items()}
    return line_charts(
        {
            "tokens read": {name: [(p.tokens, p.loss) for p in points] for name, points in lines.items()},
            "processor seconds": {name: [(p.seconds, p.loss) for p in points] for name, points in lines.items()},
        },
        "held-out loss of a summary token",
    )


def main() -> None:
    """Read the command line, compare, print the tables and write the chart and the points where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sizes = {"tokens": 250_000, "width": 192, "layers": 4, "experts": 16, "choices": 2, "expert-width": 128}
    for name, default in {**sizes, "evaluations": 8, "held-out": 4, "threads": 1}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--svg", type=Path)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    if args.tokens < args.evaluations * TOKENS_A_STEP:
        parser.error(f"--tokens is {args.tokens}; it must be at least {args.evaluations * TOKENS_A_STEP}")
    torch.set_num_threads(args.threads)
    contestants = compare(args)
    print_tables(contestants)
    if args.svg:
        args.svg.write_text(draw(contestants), encoding="utf-8")
    if args.json:
        points = {name: [vars(point) for point in contestant.points] for name, contestant in contestants.items()}
        args.json.write_text(json.dumps(points, indent=1))


if __name__ == "__main__":
    main()
