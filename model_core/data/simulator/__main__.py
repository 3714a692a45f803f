"""The command line of the call simulator: check scripts, print sample calls, count what scripts make."""

import argparse
import sys
from pathlib import Path

from model_core.data.simulator.check import check_file
from model_core.data.simulator.script import parse_file


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


def main(arguments: list[str] | None = None) -> int:
    """Run a subcommand; return the exit status (1 when scripts break rules)."""
    parser = argparse.ArgumentParser(prog="python -m model_core.data.simulator", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    checking = commands.add_parser("check", help="report every violation of docs/simulator.md")
    checking.add_argument("files", nargs="+", type=Path)
    options = parser.parse_args(arguments)
    return 1 if check(options.files) else 0


if __name__ == "__main__":
    sys.exit(main())
