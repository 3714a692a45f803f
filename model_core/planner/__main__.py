"""Plan a training run from the command line.

Without `--layout` the best one is searched for; `--check` compares the planner with public runs; `--simulate` builds
every rank's shards of one of this project's models from meta tensors.
"""

import argparse
import json
import math
import sys
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any, get_args

from model_core.errors import ConfigError
from model_core.planner.architecture import Architecture
from model_core.planner.catalog import get_architecture, get_config
from model_core.planner.cluster import Cluster, parse_cluster
from model_core.planner.layout import Checkpointing, Layout, PlanOptimizer, PlanPrecision, PlanTrainer
from model_core.planner.plan import Plan, make_plan, plan_serving
from model_core.planner.published import PUBLIC_RUNS, compare
from model_core.planner.report import comparison_text, plan_text, ranking_text, serving_text
from model_core.planner.sweep import Deadline, default_batch_tokens, fewest_devices, sweep
from model_core.planner.timing import SOFTWARE

_CHOICES: dict[str, tuple[str, ...]] = {
    "checkpointing": get_args(Checkpointing),
    "precision": get_args(PlanPrecision),
    "optimizer": get_args(PlanOptimizer),
    "trainer": get_args(PlanTrainer),
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m model_core.planner", description=__doc__)
    parser.add_argument("--model", default="ax-k1", help="a public model or one of this project's recipes")
    parser.add_argument("--cluster", default="1024xH100", help="a count and a device, such as 8xH200, or local")
    parser.add_argument("--tokens", type=float, default=10e12, help="tokens to train on")
    parser.add_argument("--days", type=float, help="the deadline")
    parser.add_argument("--batch-tokens", type=int, help="tokens of one optimizer step")
    parser.add_argument("--sequence-length", type=int, help="tokens of one sequence (default 4096, or what it knows)")
    parser.add_argument("--precision", choices=_CHOICES["precision"], help="default bf16, on a CPU fp32")
    parser.add_argument("--optimizer", choices=_CHOICES["optimizer"], default="adamw")
    parser.add_argument(
        "--trainer", choices=_CHOICES["trainer"], default="megatron", help="what the layout must run on"
    )
    parser.add_argument("--software", choices=sorted(SOFTWARE), default="stock", help="how well a program overlaps")
    parser.add_argument("--availability", type=float, default=0.9, help="the share of time spent training")
    parser.add_argument("--layout", help="one layout, such as tensor=2,pipeline=8,expert=64,accumulation=128")
    parser.add_argument("--top", type=int, default=5, help="how many layouts of the search to show")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--check", action="store_true", help="compare the planner with public runs")
    parser.add_argument("--simulate", action="store_true", help="build and check every rank's shards of --layout")
    return parser


def parse_layout(text: str, base: Layout) -> Layout:
    """Return `base` with the fields that `text` names.

    Raises: ConfigError for a field that a layout does not have or a value that it cannot hold.
    """
    values: dict[str, Any] = {}
    for item in text.split(","):
        name, _, value = item.partition("=")
        if name not in {field.name for field in fields(Layout)}:
            known = ", ".join(field.name for field in fields(Layout))
            raise ConfigError(f"layout has no field {name!r}; it has {known}")
        if name in _CHOICES and value not in _CHOICES[name]:
            raise ConfigError(f"layout.{name} is {value!r}; it must be one of {', '.join(_CHOICES[name])}")
        if name not in _CHOICES and not (value.isascii() and value.isdecimal()):
            raise ConfigError(f"layout.{name} is {value!r}; it must be a whole number")
        values[name] = value if name in _CHOICES else int(value)
    return replace(base, **values)


def _base_layout(arguments: argparse.Namespace, model: Architecture, cluster: Cluster) -> Layout:
    precision: PlanPrecision = arguments.precision or ("bf16" if cluster.device.has_fp8 else "fp32")
    length = arguments.sequence_length or min(4096, model.max_positions)
    return Layout(sequence_length=length, precision=precision, optimizer=arguments.optimizer, trainer=arguments.trainer)


def _check_numbers(arguments: argparse.Namespace) -> None:
    if not 0 < arguments.availability <= 1:
        raise ConfigError(f"availability is {arguments.availability}; it must be above 0 and at most 1")
    for name in ("tokens", "days", "batch_tokens", "top"):
        value = getattr(arguments, name)
        if value is not None and not 0 < value < math.inf:
            raise ConfigError(f"{name} is {value}; it must be above 0 and finite")


def _check(as_json: bool) -> int:
    comparisons = [compare(run) for run in PUBLIC_RUNS]
    if as_json:
        rows = [
            {
                "model": item.run.model,
                "cluster": item.run.cluster,
                "published": item.run.tokens_per_s_per_device,
                "planned": item.plan.tokens_per_s_per_device,
                "error": item.error,
                "fitted": item.run.fitted,
                "source": item.run.source,
            }
            for item in comparisons
        ]
        print(json.dumps(rows, indent=2))
    else:
        print(comparison_text(comparisons))
    return 0


def _simulate(name: str, cluster: Cluster, layout: Layout) -> int:
    # The only part that needs torch: plans must be quick to make where it is not installed.
    from model_core.planner.simulate import mismatches, simulate

    config = get_config(name)
    ranks = simulate(config, cluster, layout)
    for held in (ranks[0], ranks[-1]):
        print(
            f"rank {held.place.rank}: stage {held.place.pipeline}, data {held.place.data}, tensor {held.place.tensor}, "
            f"expert {held.place.expert}; {held.shared_size:,} shared and {held.expert_size:,} expert weights, "
            f"optimizer pieces {held.shared_piece} and {held.expert_piece}"
        )
    wrong = mismatches(ranks, config, cluster, layout)
    print("\n".join(wrong) if wrong else f"all {len(ranks)} ranks hold what was planned")
    return 1 if wrong else 0


def _plans(arguments: argparse.Namespace, model: Architecture, cluster: Cluster, base: Layout) -> list[Plan]:
    software = SOFTWARE[arguments.software]
    if arguments.layout:
        return [make_plan(model, cluster, parse_layout(arguments.layout, base), software)]
    return sweep(model, cluster, base, arguments.batch_tokens or default_batch_tokens(cluster), software)


def _report(arguments: argparse.Namespace, model: Architecture, cluster: Cluster, base: Layout) -> int:
    plans = _plans(arguments, model, cluster, base)
    best, late = plans[0], False
    enough: Plan | None = None
    if arguments.days:
        late = best.days(arguments.tokens, arguments.availability) > arguments.days
        deadline = Deadline(arguments.tokens, arguments.days, arguments.availability)
        batch = best.layout.tokens_per_step(cluster)
        enough = fewest_devices(model, cluster, base, batch, SOFTWARE[arguments.software], deadline)
    if arguments.json:
        result = best.as_dict(arguments.tokens, arguments.availability)
        if arguments.days:
            result["deadline"] = {"days": arguments.days, "kept": not late, "cluster": enough and enough.cluster.name}
        print(json.dumps(result, indent=2))
        return 0
    print(plan_text(best, arguments.tokens, arguments.availability))
    if best.memory.fits:
        print(serving_text(plan_serving(model, cluster, best.layout.sequence_length)))
    if len(plans) > 1:
        print(f"\nof {len(plans)} layouts that fit:")
        print(ranking_text(plans[: arguments.top], arguments.tokens, arguments.availability))
    if arguments.days:
        print(f"\n{arguments.days:g} days: {'too late' if late else 'in time'} on {cluster.name}")
        if enough:
            days = enough.days(arguments.tokens, arguments.availability)
            print(f"{enough.cluster.name} is enough: {days:.1f} days, {enough.layout.label}")
        elif cluster.device.name != "local":
            print("no number of devices that was tried is enough")
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    arguments = _parser().parse_args(argv)
    try:
        if arguments.check:
            return _check(arguments.json)
        _check_numbers(arguments)
        model, cluster = get_architecture(arguments.model), parse_cluster(arguments.cluster)
        base = _base_layout(arguments, model, cluster)
        if arguments.simulate:
            return _simulate(arguments.model, cluster, parse_layout(arguments.layout or "tensor=1", base))
        return _report(arguments, model, cluster, base)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    raise SystemExit(main())
