"""How long does a call take, and how much memory does the product? A 3-minute stereo G.711 call on the running stack.

Starts the product as `make run` does, lets it do a first call so that the models are loaded, then measures the second:
seconds by stage, and the largest memory (proportional set size, so that shared pages count once) of web and stack.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from model_core.data.simulator.audio import speak_call
from model_core.data.simulator.expand import CallSimulator
from model_core.data.simulator.line import LINE_RATE_HZ
from model_core.data.simulator.sound_files import write_sound
from tests.stack.running import Stack, running_stack

CALL_S = 180
TARGET_S, TARGET_WEB_MB, TARGET_STACK_MB = 60, 200, 3000
SAMPLE_EVERY_S = 0.5


def build_call(path: Path, duration_s: int, seed: int) -> Path:
    """Write a call of exactly `duration_s`: simulated test calls, one after another, a party a channel."""
    simulator, parts, length, index = CallSimulator("test", seed), [], 0, 0
    while length < duration_s * LINE_RATE_HZ:
        parts.append(speak_call(simulator.call(index), seed, test_voices=True).samples)
        length, index = length + parts[-1].shape[0], index + 1
    write_sound(path, np.concatenate(parts)[: duration_s * LINE_RATE_HZ], LINE_RATE_HZ, "mulaw")
    return path


@dataclass
class Memory:
    """The largest proportional set size seen, in MB; `by_process` at the moment of the stack's largest."""

    web_mb: float = 0.0
    stack_mb: float = 0.0
    by_process: dict[str, float] = field(default_factory=dict)

    def look(self, data_dir: Path) -> None:
        """Add up the processes of the stack that keeps its data in `data_dir`."""
        shares: dict[str, float] = {}
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit() and (share := _share_mb(folder, data_dir)):
                shares[share[0]] = shares.get(share[0], 0.0) + share[1]
        self.web_mb = max(self.web_mb, shares.get("web", 0.0))
        if sum(shares.values()) > self.stack_mb:
            self.stack_mb, self.by_process = sum(shares.values()), shares


def _share_mb(process: Path, data_dir: Path) -> tuple[str, float] | None:
    try:
        if f"YOYAK_DATA_DIR={data_dir}".encode() not in (process / "environ").read_bytes().split(b"\0"):
            return None
        command = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
        rollup = (process / "smaps_rollup").read_text()
    except OSError:
        return None
    kilobytes = next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    return _name(command), kilobytes / 1024


def _name(command: list[str]) -> str:
    names = {"config.serve": "web", "beat": "beat", "up": "supervisor", "process_call": "command line"}
    for part, name in names.items():
        if part in command:
            return name
    return next((part.split("@")[0] for part in command if part.endswith("@%h")), "decoder")


@contextmanager
def watching(data_dir: Path) -> Iterator[Memory]:
    """Measure the memory of the stack until the block ends."""
    memory, stop = Memory(), threading.Event()

    def watch() -> None:
        while not stop.wait(SAMPLE_EVERY_S):
            memory.look(data_dir)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield memory
    finally:
        stop.set()
        thread.join()
        memory.look(data_dir)


def _seconds(stack: Stack, call_id: str) -> float:
    """Return the time from the request to the end of the call's job."""
    row = stack.rows(f"SELECT created_at, finished_at FROM jobs_job WHERE call_id = '{call_id.replace('-', '')}'")[0]  # noqa: S608
    begun, ended = (datetime.fromisoformat(moment) for moment in row)
    return (ended - begun).total_seconds()


def measure(duration_s: int, seed: int) -> dict[str, Any]:
    """Start the stack, process a short call and then the long one; return what was measured."""
    with tempfile.TemporaryDirectory(prefix="yoyak-bench-") as name:
        folder = Path(name)
        first, long = build_call(folder / "1.wav", 15, seed + 1), build_call(folder / "2.wav", duration_s, seed)
        with running_stack(folder / "data", "--no-demo") as stack, watching(stack.data_dir) as memory:
            cold = json.loads(stack.manage("process_call", str(first), "--json", timeout_s=600))
            warm = json.loads(stack.manage("process_call", str(long), "--json", timeout_s=1200))
            seconds = {"first": _seconds(stack, cold["call_id"]), "call": _seconds(stack, warm["call_id"])}
    return {
        "machine": machine(),
        "call_s": warm["duration_s"],
        "segments": len(warm["segments"]),
        "method": warm["summary"]["method"],
        "models": warm["models"],
        "seconds": seconds["call"],
        "ratio": round(seconds["call"] / warm["duration_s"], 3),
        "seconds_first_call_15_s": seconds["first"],
        "timings_s": warm["timings_s"],
        "web_mb": round(memory.web_mb, 1),
        "stack_mb": round(memory.stack_mb, 1),
        "by_process_mb": {name: round(share, 1) for name, share in sorted(memory.by_process.items())},
    }


def machine() -> dict[str, Any]:
    """Return what the figures were measured on, and how busy it was before."""
    cpu = [
        line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line
    ]
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return {
        "cpu": cpu[0] if cpu else platform.processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(memory_gb, 1),
        "load_1_min": os.getloadavg()[0],
    }


def table(result: dict[str, Any]) -> str:
    """Return the result for people."""
    on = result["machine"]
    lines = [
        f"{on['cpu']}, {on['cores']} cores, {on['memory_gb']} GB, load {on['load_1_min']:.1f} before",
        f"{result['models']['transcribe']}, {result['models']['summarize']}; {result['segments']} segments, "
        f"summary by {result['method']}",
        "",
        "| | measured | target |",
        "|---|---:|---:|",
        f"| a call of {result['call_s']:.0f} s | {result['seconds']:.1f} s ({result['ratio']:.2f} of its length) "
        f"| < {TARGET_S * result['call_s'] / CALL_S:.0f} s |",
        f"| web | {result['web_mb']:.0f} MB | < {TARGET_WEB_MB} MB |",
        f"| all processes | {result['stack_mb']:.0f} MB | < {TARGET_STACK_MB} MB |",
        f"| first call of 15 s, models not loaded | {result['seconds_first_call_15_s']:.1f} s | |",
        *(f"| stage {stage} | {seconds:.2f} s | |" for stage, seconds in result["timings_s"].items()),
        *(f"| memory of {name} | {share:.0f} MB | |" for name, share in result["by_process_mb"].items()),
    ]
    return "\n".join(lines)


def main() -> None:
    """Read the command line, measure, print; exit status 1 when a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=CALL_S, help="length of the call")
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    result = measure(options.seconds, options.seed)
    print(json.dumps(result, ensure_ascii=False, indent=1) if options.json else table(result))
    met = result["ratio"] < TARGET_S / CALL_S and result["web_mb"] < TARGET_WEB_MB
    sys.exit(0 if met and result["stack_mb"] < TARGET_STACK_MB else 1)


if __name__ == "__main__":
    main()
