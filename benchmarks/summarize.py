"""How fast are summaries written? Our generator under its grammar against `generate` of transformers, one checkpoint.

The stock class reads the same prompts and writes as many tokens as ours took, freely. Each measurement is a process of
its own, ours and the peer in turn; what counts are the ratios, on a busy machine those of the processor's time. A
second table tells what prompts that begin alike bring: tokens read once, the first token with sharing and without.
`python benchmarks/summarize.py [--model FOLDER] [--threads 1]`.
"""

import argparse
import json
import multiprocessing
import resource
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar
from unittest.mock import patch

from benchmarks.call import machine
from model_core.data.call import Line
from model_core.data.tokenizer import END_OF_TEXT, load_tokenizer
from model_core.evaluation.suite import VARIANTS, calls_of

BATCHES = (1, 8, 32)
TARGETS = {1: 3.0, 32: 4.0}
MIN_CALLS = 8
SHARING_CALLS = 8
Calls = Sequence[Sequence[Line]]
Result = TypeVar("Result")


@dataclass(frozen=True)
class Job:
    """What a process is to do: `tokens` are those of each summary, for the peer alone."""

    model: str
    batch: int
    calls: int
    threads: int
    tokens: int = 0


@dataclass(frozen=True)
class Speed:
    """What a process did. `processor_s` is that of a call, `first_token_s` the time to the first token of one call,
    `peak_mb` the largest memory."""

    calls_per_min: float
    processor_s: float
    tokens_per_call: float
    tokens_per_s: float
    first_token_s: float
    peak_mb: float


def ours(job: Job) -> Speed:
    """Measure our generator."""
    import torch

    from model_core.inference.engine import SummaryGenerator

    torch.set_num_threads(job.threads)
    generator = SummaryGenerator.load(job.model, max_batch=job.batch)
    calls = _calls(job.calls)
    generator.generate(calls[:1])
    began = time.perf_counter()
    next(generator.stream(calls[0]))
    first = time.perf_counter() - began
    clock = _Clock()
    results = [
        made
        for start in range(0, job.calls, job.batch)
        for made in generator.generate(calls[start : start + job.batch])
    ]
    return _speed(job, clock, sum(made.completion_tokens for made in results), first)


def stock(job: Job) -> Speed:
    """Measure the stock class."""
    import torch
    from transformers import Glm4MoeForCausalLM

    from model_core.data.summary_format import encode_prompt

    torch.set_num_threads(job.threads)
    tokenizer = load_tokenizer(job.model)
    model = Glm4MoeForCausalLM.from_pretrained(job.model, dtype=torch.float32).eval()
    end = tokenizer.token_id(END_OF_TEXT)
    prompts = [encode_prompt(tokenizer, lines) for lines in _calls(job.calls)]

    def write(batch: Sequence[list[int]], tokens: int) -> None:
        longest = max(map(len, batch))
        ids = torch.tensor([[end] * (longest - len(prompt)) + prompt for prompt in batch])
        mask = torch.tensor([[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in batch])
        model.generate(
            ids, attention_mask=mask, do_sample=False, min_new_tokens=tokens, max_new_tokens=tokens, pad_token_id=end
        )

    with torch.inference_mode():
        write(prompts[:1], 8)
        began = time.perf_counter()
        write(prompts[:1], 1)
        first = time.perf_counter() - began
        clock = _Clock()
        for start in range(0, job.calls, job.batch):
            write(prompts[start : start + job.batch], job.tokens)
    return _speed(job, clock, job.tokens * job.calls, first)


@dataclass(frozen=True)
class Shared:
    """What sharing brought to a batch: tokens of its prompts, those of them that were read for another prompt, and the
    processor's seconds to the first token, with sharing and without."""

    prompt_tokens: int
    shared_tokens: int
    first_token_s: float
    unshared_first_token_s: float


def sharing(job: Job) -> dict[str, Shared]:
    """Measure batches of different calls, of one call again and again, and of one call with its last turn corrected."""
    import torch

    from model_core.inference.engine import SummaryGenerator
    from model_core.inference.sharing import Beginning

    torch.set_num_threads(job.threads)
    generator = SummaryGenerator.load(job.model, max_batch=job.batch)
    calls = _calls(job.calls)
    begun = calls[0][:-1]
    batches = {
        "different calls": calls,
        "one call": [calls[0]] * job.calls,
        "one call, another last turn": [[*begun, call[-1]] for call in calls],
    }

    def first_token_s(batch: Calls) -> float:
        clock, found = _Clock(), []
        generator.generate(batch, on_token=lambda call, token: found or found.append(clock.read()[1]))
        return found[0]

    def alone(prompts: Sequence[list[int]]) -> list[Beginning]:
        return [Beginning(number, 0) for number in range(len(prompts))]

    found = {}
    for name, batch in batches.items():
        made = generator.generate(batch)
        with_s = min(first_token_s(batch) for _ in range(3))
        with patch("model_core.inference.engine.shared_beginnings", alone):
            without_s = min(first_token_s(batch) for _ in range(3))
        tokens, shared = (sum(getattr(one, name) for one in made) for name in ("prompt_tokens", "shared_tokens"))
        found[name] = Shared(tokens, shared, with_s, without_s)
    return found


class _Clock:
    """When something began, by the wall and by the processor."""

    def __init__(self) -> None:
        self._began, self._used = time.perf_counter(), time.process_time()

    def read(self) -> tuple[float, float]:
        """Return the seconds since then and those that the processor spent."""
        return time.perf_counter() - self._began, time.process_time() - self._used


def _calls(count: int) -> Calls:
    return [call.lines for call in calls_of(VARIANTS[1], count)]


def _speed(job: Job, clock: _Clock, tokens: int, first_token_s: float) -> Speed:
    seconds, processor_s = clock.read()
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rates = 60 * job.calls / seconds, processor_s / job.calls, tokens / job.calls, tokens / seconds
    return Speed(*rates, first_token_s, peak_mb)


def measure(model: Path, threads: int, rounds: int, batches: Sequence[int] = BATCHES) -> dict[int, dict[str, Speed]]:
    """Return the speeds by batch size and system, medians of `rounds`, each measurement in a fresh process."""
    results: dict[int, dict[str, Speed]] = {}
    for batch in batches:
        found: dict[str, list[Speed]] = {"ours": [], "stock": []}
        for _ in range(rounds):
            job = Job(str(model), batch, max(batch, MIN_CALLS), threads)
            found["ours"].append(_apart(ours, job))
            tokens = round(found["ours"][-1].tokens_per_call)
            found["stock"].append(_apart(stock, Job(str(model), batch, job.calls, threads, tokens)))
        results[batch] = {name: _median(speeds) for name, speeds in found.items()}
    return results


def _apart(work: Callable[[Job], Result], job: Job) -> Result:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(work, (job,))


def _median(speeds: Sequence[Speed]) -> Speed:
    columns = zip(*(asdict(speed).values() for speed in speeds), strict=True)
    return Speed(*(statistics.median(column) for column in columns))


def table(results: dict[int, dict[str, Speed]]) -> str:
    """Return the results as a Markdown table."""
    lines = [
        "| calls at once | ours, calls a minute | stock | ratio | processor s a call, both | ratio | aim "
        "| first token, both | peak memory, both |",
        "|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for batch, found in results.items():
        mine, peer = found["ours"], found["stock"]
        aim = f"{TARGETS[batch]:.0f} x" if batch in TARGETS else ""
        lines.append(
            f"| {batch} | {mine.calls_per_min:.1f} | {peer.calls_per_min:.1f} "
            f"| {mine.calls_per_min / peer.calls_per_min:.2f} x "
            f"| {mine.processor_s:.2f} / {peer.processor_s:.2f} | {peer.processor_s / mine.processor_s:.2f} x | {aim} "
            f"| {1000 * mine.first_token_s:.0f} / {1000 * peer.first_token_s:.0f} ms "
            f"| {mine.peak_mb:.0f} / {peer.peak_mb:.0f} MB |"
        )
    return "\n".join(lines)


def sharing_table(found: dict[str, Shared]) -> str:
    """Return what sharing brought as a Markdown table."""
    lines = [
        f"| {SHARING_CALLS} calls at once | prompt tokens | of them shared | first token, shared / each read |",
        "|---|---:|---:|---:|",
    ]
    lines += [
        f"| {name} | {row.prompt_tokens:,} | {row.shared_tokens:,} "
        f"| {1000 * row.first_token_s:.0f} / {1000 * row.unshared_first_token_s:.0f} ms |"
        for name, row in found.items()
    ]
    return "\n".join(lines)


def main() -> None:
    """Read the command line, measure, print; exit status 1 when an aim is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=Path("pretrained/summarizer-mini"))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batches", type=int, nargs="+", default=BATCHES, help="how many calls at once")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    results = measure(options.model, options.threads, options.rounds, options.batches)
    shared = _apart(sharing, Job(str(options.model), SHARING_CALLS, SHARING_CALLS, options.threads))
    if options.json:
        speeds = {batch: {name: asdict(speed) for name, speed in found.items()} for batch, found in results.items()}
        rows = {name: asdict(row) for name, row in shared.items()}
        print(json.dumps({"machine": machine(), "speeds": speeds, "sharing": rows}, indent=1))
    else:
        print(machine(), "", table(results), "", sharing_table(shared), sep="\n")
    ratios = {batch: found["ours"].calls_per_min / found["stock"].calls_per_min for batch, found in results.items()}
    sys.exit(0 if all(ratios[batch] >= aim for batch, aim in TARGETS.items() if batch in ratios) else 1)


if __name__ == "__main__":
    main()
