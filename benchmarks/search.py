"""How long do the list of calls and a search take with N calls?

    python benchmarks/search.py [N] [--postgresql] [--rounds R]

Makes a database of its own (SQLite in a temporary folder, or on the server of TEST_POSTGRES_URL) with N simulated
calls, 100,000 unless told otherwise, and drops it afterwards. Times are those of one page of 20 calls with its hits and
the (capped) count for the pager, without templates. The peer is what this search replaced: LIKE over every line.
Also counts the calls found that hold the query's bigrams but nowhere the whole word. Target: p95 at most 150 ms.
"""

import argparse
import os
import random
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from statistics import quantiles
from typing import Any

QUERIES = (
    "환불",
    "신용카드",
    "위약금 해지",
    "배송",
    "예약 변경",
    "고객님",
    "네",
    "계좌번호 확인",
    "보험금",
    "말머리성운",
)
TARGET_P95_MS = 150
_PAGE, _BATCH, _POOL = 20, 500, 400


def main() -> None:
    """Fill a database and print a table of times."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("calls", nargs="?", type=int, default=100_000)
    arguments.add_argument("--postgresql", action="store_true")
    arguments.add_argument("--rounds", type=int, default=20)
    options = arguments.parse_args()
    with ExitStack() as stack:
        os.environ["YOYAK_DATA_DIR"] = stack.enter_context(tempfile.TemporaryDirectory())
        os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
        os.environ.pop("DATABASE_URL", None)
        if options.postgresql:
            from tests.services import fresh_postgres

            os.environ["DATABASE_URL"] = stack.enter_context(fresh_postgres())
        _run(options.calls, options.rounds)


def _run(calls: int, rounds: int) -> None:
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from apps.accounts.models import Organization, Role
    from apps.accounts.services import ensure_member

    call_command("migrate", verbosity=0)
    actor = ensure_member(organization="benchmark", username="benchmark", password=None, role=Role.ADMIN)
    started = time.perf_counter()
    lines = _write(Organization.objects.get(), calls)
    print(f"{connection.vendor}: {calls} calls, {lines} lines, written in {time.perf_counter() - started:.0f} s")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    _measure(actor, rounds)
    connection.close()


def _write(organization: Any, count: int) -> int:
    """Write `count` calls, each three simulated ones one after another; return the number of lines."""
    from django.utils import timezone

    from apps.calls.models import Call
    from apps.search.models import SearchDocument
    from apps.transcripts.models import TranscriptSegment

    rng, pool, now, lines = random.Random(1), _pool(), timezone.now(), 0
    for first in range(0, count, _BATCH):
        calls = [
            Call(organization=organization, title=f"통화 {number}", source="upload", duration_s=rng.uniform(30, 600))
            for number in range(first, min(first + _BATCH, count))
        ]
        Call.objects.bulk_create(calls)
        segments, documents = [], []
        for number, call in enumerate(calls, first):
            call.created_at = now - timedelta(seconds=30 * (count - number))
            parts = rng.sample(pool, 3)
            said = {party: set().union(*(part[1][party] for part in parts)) for party in "AB"}
            category = rng.choice(("shopping", "finance", "telecom"))
            documents.append(
                SearchDocument(
                    call=call,
                    about=f"통화 화_{str(number)[0]} {number % 10}",
                    said_a=" ".join(said["A"]),
                    said_b=" ".join(said["B"]),
                    category=category,
                )
            )
            turns = [turn for part in parts for turn in part[0]]
            segments += [
                TranscriptSegment(
                    call=call,
                    organization=organization,
                    number=place,
                    party=party,
                    start_s=place * 4.0,
                    end_s=place * 4.0 + 3,
                    text=text,
                    confidence=1.0,
                )
                for place, (party, text) in enumerate(turns, 1)
            ]
        Call.objects.bulk_update(calls, ["created_at"])
        SearchDocument.objects.bulk_create(documents)
        TranscriptSegment.objects.bulk_create(segments, batch_size=5000)
        lines += len(segments)
    return lines


def _pool() -> list[tuple[list[tuple[str, str]], dict[str, set[str]]]]:
    from apps.search.tokens import tokens_of
    from model_core.data.simulator.expand import CallSimulator

    simulator, pool = CallSimulator("train", 7), []
    for index in range(_POOL):
        turns = [(line.party, line.text) for line in simulator.call(index).lines]
        tokens = {
            party: set().union(*(tokens_of(text) for speaker, text in turns if speaker == party)) for party in "AB"
        }
        pool.append((turns, tokens))
    return pool


def _measure(actor: Any, rounds: int) -> None:
    from django.core.paginator import Paginator

    from apps.calls.filters import CallFilter
    from apps.calls.listing import rows_of
    from apps.calls.selectors import access_calls, find_calls
    from apps.core.paging import CappedPaginator
    from apps.transcripts.models import TranscriptSegment

    def page(**fields: Any) -> int:
        wanted = CallFilter(**fields)
        found = find_calls(actor, wanted)
        rows_of(list(found[:_PAGE]), wanted)
        return (CappedPaginator if wanted.text else Paginator)(found, _PAGE).count

    def like(text: str) -> int:
        lines = TranscriptSegment.objects.filter(text__icontains=text)
        found = access_calls(actor).filter(pk__in=lines.values("call"))
        list(found[:_PAGE])
        return found.count()

    print(f"{'':24}{'calls':>8}{'p50 ms':>9}{'p95 ms':>9}")
    _row("list", lambda: page(), rounds)
    _row("list, category", lambda: page(category="finance"), rounds)
    everything: list[float] = []
    for text in QUERIES:
        everything += _row(text, lambda text=text: page(text=text), rounds)
    _print("all searches", "", everything)
    _row("customer said 환불", lambda: page(text="환불", party="B"), rounds)
    _row("LIKE 환불 (peer)", lambda: like("환불"), 3)
    _scattered(actor)


def _row(name: str, work: Callable[[], int], rounds: int) -> list[float]:
    times, found = [], 0
    for _ in range(rounds):
        started = time.perf_counter()
        found = work()
        times.append((time.perf_counter() - started) * 1000)
    _print(name, str(found), times)
    return times


def _print(name: str, found: str, times: list[float]) -> None:
    cuts = quantiles(times, n=100, method="inclusive")
    verdict = "" if cuts[94] <= TARGET_P95_MS else "  over the target"
    print(f"{name:24}{found:>8}{cuts[49]:9.1f}{cuts[94]:9.1f}{verdict}")


def _scattered(actor: Any) -> None:
    """Print how many of the calls found hold all bigrams of a word but not the word."""
    from apps.calls.filters import CallFilter
    from apps.calls.selectors import find_calls
    from apps.search.hits import find_hits

    found = hits = 0
    for text in QUERIES:
        calls = list(find_calls(actor, CallFilter(text=text))[:200])
        found, hits = found + len(calls), hits + len(find_hits(calls, text=text))
    print(f"without a whole hit: {found - hits} of {found} calls found")


if __name__ == "__main__":
    main()
