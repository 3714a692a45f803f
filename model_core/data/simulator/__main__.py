"""The command line of the call simulator: check scripts, print sample calls, count what scripts make."""

import argparse
import math
import random
import sys
from collections import Counter
from pathlib import Path

from model_core.data.call import Item, SimulatedCall
from model_core.data.simulator.banks import SCRIPTS_FOLDER
from model_core.data.simulator.check import check_file
from model_core.data.simulator.expand import CallSimulator, load_scripts
from model_core.data.simulator.noise import corrupt_call
from model_core.data.simulator.script import Script, parse_file
from model_core.data.simulator.slots import draw
from model_core.data.simulator.template import count_wordings


def check(paths: list[Path]) -> int:
    """Print every violation of the script language in the files; return how many there are."""
    violations = 0
    for path in paths:
        file = parse_file(path)
        errors = check_file(file)
        violations += len(errors)
        for error in errors:
            print(error)
        print(f"{path.name}: {len(file.scripts)} scripts, {len(file.banks)} banks, {len(errors)} violations")
    return violations


def sample(options: argparse.Namespace) -> None:
    """Print calls with their summaries."""
    kinds = [options.kind] if options.kind else None
    simulator = CallSimulator(
        options.split, options.seed, kinds=kinds, written_p=options.written_p, substitute_p=options.substitute_p
    )
    for index in range(options.n):
        call = simulator.call(index)
        if options.noise:
            call = corrupt_call(call, random.Random(index), options.noise)
        print(show(call), end="\n\n")


def show(call: SimulatedCall) -> str:
    """Return a call as text: its numbered lines, then its summary with the lines each item rests on."""
    summary = call.summary
    rows = [f"=== {call.id}  {' + '.join(call.scripts)}"]
    rows += [f"{number:3} {line.party} {line.text}" for number, line in enumerate(call.lines, start=1)]
    rows += [
        f"--- {summary.title} [{summary.category}, {summary.outcome}, {summary.sentiment}]",
        _item(summary.one_line),
    ]
    for topic in summary.topics:
        rows += [f"# {topic.title}", *(f"  - {_item(point)}" for point in topic.points)]
    for action in summary.actions:
        rows.append(f"! {action.who}: {_item(Item(action.what, action.evidence))} ({action.when or '-'})")
    rows += [f"= {_item(decision)}" for decision in summary.decisions]
    rows += [f"  {'*' if fact.required else ' '} {fact.name}: {' / '.join(fact.forms)}" for fact in call.facts]
    return "\n".join(rows)


def _item(item: Item) -> str:
    return f"{item.text} {list(item.evidence)}"


def stats() -> None:
    """Print scripts per kind and split, and how many different calls they make (slots counted from 100 draws each)."""
    scripts = load_scripts()
    counts = Counter((script.kind, script.split) for script in scripts)
    for kind in sorted({script.kind for script in scripts}):
        print(f"{kind:12} train {counts[kind, 'train']:4} test {counts[kind, 'test']:3}")
    train = sum(script.split == "train" for script in scripts)
    print(f"{'all':12} train {train:4} test {len(scripts) - train:3}")
    exponents = sorted(_expansions(script) for script in scripts)
    print(f"expansions of a script, without greetings: 10^{exponents[0]:.1f} at least, 10^{exponents[-1]:.1f} at most")


def _expansions(script: Script) -> float:
    """Return the common logarithm of a lower estimate of how many calls a script makes."""
    rng = random.Random(0)
    turns = sum(math.log10(count_wordings(turn.text) * (2 if turn.optional else 1)) for turn in script.turns)
    return turns + sum(math.log10(len({draw(slot, rng).spoken for _ in range(100)})) for slot in script.slots.values())


def main(arguments: list[str] | None = None) -> int:
    """Run a subcommand; return the exit status (1 when scripts break rules)."""
    parser = argparse.ArgumentParser(prog="python -m model_core.data.simulator", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    checking = commands.add_parser("check", help="report every violation of docs/simulator.md")
    checking.add_argument("files", nargs="*", type=Path, help="the simulator's own scripts when none is named")
    sampling = commands.add_parser("sample", help="print calls with their summaries")
    sampling.add_argument("--kind")
    sampling.add_argument("--split", choices=("train", "test"), default="train")
    sampling.add_argument("--seed", type=int, default=0)
    sampling.add_argument("--n", type=int, default=1)
    sampling.add_argument("--written-p", type=float, default=0.1, help="share of calls with written values")
    sampling.add_argument("--substitute-p", type=float, default=0.0, help="share of calls with exchanged nouns")
    sampling.add_argument("--noise", type=float, default=0.0, help="share of wrong syllables")
    commands.add_parser("stats", help="count scripts and estimate their expansions")
    options = parser.parse_args(arguments)
    if options.command == "check":
        return 1 if check(options.files or sorted(SCRIPTS_FOLDER.glob("*.call"))) else 0
    if options.command == "sample":
        sample(options)
    else:
        stats()
    return 0


if __name__ == "__main__":
    sys.exit(main())
