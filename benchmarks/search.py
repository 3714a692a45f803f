"""How long do the list of calls and a search take with N calls?

    python benchmarks/search.py [N] [--postgresql | --database URL] [--rounds R] [--explain]

Makes a database of its own (SQLite in a temporary folder, or on the server of TEST_POSTGRES_URL) with N simulated
calls, 100,000 unless told otherwise, and drops it afterwards; with ``--database`` that of the URL is filled when it is
empty, and kept. Every time is that of a whole answer of the product, asked as an administrator signed in: session, log,
queries, twenty rows with their hits, the (capped) count for the pager, the page written. Beside the time on the clock
stands that of the processor, ours and the database's for us: what the answer would take on a machine with nothing else
to do. The peer is what this search replaced: LIKE over every line. Also counts the calls found that hold the query's
bigrams but nowhere the whole word. Target: p95 at most 150 ms.
"""

import argparse
import os
import random
import re
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from statistics import quantiles
from typing import Any
from urllib.parse import urlencode

SEARCHES = (
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
LISTS: dict[str, dict[str, object]] = {
    "list": {},
    "list, page 40": {"page": 40},
    "list, last page": {"page": 10**6},
    "category": {"category": "finance"},
    "category, outcome, mood": {"category": "finance", "outcome": "scheduled", "sentiment": "negative"},
    "failed": {"state": "failed"},
    "longer than 9 minutes": {"min_minutes": 9},
    "open action items": {"open_actions": "true"},
    "tag": {"tag": "VIP"},
    "a day in the middle": {"since": "-17 days", "until": "-17 days"},
}
TARGET_P95_MS = 150
# How long one answer took: on the clock, and of the processor, in ms.
Took = tuple[float, float]
_BATCH, _POOL, _AGENTS = 500, 400, 40


def main() -> None:
    """Fill a database and print a table of times."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("calls", nargs="?", type=int, default=100_000)
    arguments.add_argument("--postgresql", action="store_true")
    arguments.add_argument("--database", default="", help="URL of a database that is kept")
    arguments.add_argument("--rounds", type=int, default=20)
    arguments.add_argument("--explain", action="store_true", help="print the plans of the slowest queries instead")
    options = arguments.parse_args()
    with ExitStack() as stack:
        os.environ["YOYAK_DATA_DIR"] = stack.enter_context(tempfile.TemporaryDirectory())
        os.environ["YOYAK_LOG_LEVEL"] = "ERROR"
        os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
        os.environ["DATABASE_URL"] = options.database
        if options.postgresql:
            from tests.services import fresh_postgres

            os.environ["DATABASE_URL"] = stack.enter_context(fresh_postgres())
        _run(options)


def _run(options: argparse.Namespace) -> None:
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from apps.accounts.models import Organization, Role
    from apps.accounts.services import ensure_member
    from apps.calls.models import Call

    call_command("migrate", verbosity=0)
    actor = ensure_member(organization="benchmark", username="benchmark", password=None, role=Role.ADMIN)
    if not Call.objects.exists():
        started = time.perf_counter()
        lines = _write(Organization.objects.get(), options.calls)
        print(f"{options.calls} calls, {lines} lines, written in {time.perf_counter() - started:.0f} s")
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")
    print(f"{connection.vendor}: {Call.objects.count()} calls; load of the machine {os.getloadavg()[0]:.1f}")
    (_explain if options.explain else _measure)(actor, options.rounds)
    connection.close()


def _write(organization: Any, count: int) -> int:
    """Write `count` calls, each three simulated ones one after another; return the number of lines."""
    from apps.accounts.models import Role, User
    from apps.accounts.services import ensure_member
    from apps.sorting.models import Tag

    rng, pool, lines = random.Random(1), _pool(), 0
    people: list[User] = [
        ensure_member(organization=organization.name, username=f"agent-{number}", password=None, role=Role.AGENT)
        for number in range(_AGENTS)
    ]
    tag = Tag.objects.create(organization=organization, name="VIP")
    _keep_turns(pool)
    for first in range(0, count, _BATCH):
        numbers = range(first, min(first + _BATCH, count))
        lines += _write_batch(organization, [(count - n, rng.choice(people)) for n in numbers], pool, tag, rng)
    return lines


def _keep_turns(pool: list[Any]) -> None:
    """Put the turns of `pool` beside the database's own tables, for it to copy six million lines by itself."""
    from django.db import connection

    from apps.calls.models import Call

    key = Call._meta.pk.db_type(connection)
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE pool (part integer, place integer, party text, said text)")
        cursor.execute(f"CREATE TEMPORARY TABLE taken (call_id {key}, part integer, before integer)")
        turns = [(at, *turn) for at, part in enumerate(pool) for turn in part.numbered()]
        cursor.executemany("INSERT INTO pool VALUES (%s, %s, %s, %s)", turns)


def _write_lines(organization: Any, taken: list[tuple[Any, int, int]]) -> int:
    """Write the lines of calls that are made of parts: each a call, a part, and the number of lines before it."""
    from django.db import connection

    from apps.accounts.models import Organization

    house = Organization._meta.pk.get_db_prep_value(organization.pk, connection)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM taken")
        cursor.executemany("INSERT INTO taken VALUES (%s, %s, %s)", taken)
        cursor.execute(
            """INSERT INTO transcripts_transcriptsegment
                   (call_id, organization_id, number, party, start_s, end_s, text, confidence, words)
               SELECT call_id, %s, before + place, party, (before + place) * 4.0, (before + place) * 4.0 + 3, said, 1,
                      '[]'
               FROM taken JOIN pool ON pool.part = taken.part""",
            [house],
        )
        return cursor.rowcount


def _write_batch(organization: Any, places: list[Any], pool: list[Any], tag: Any, rng: random.Random) -> int:
    from django.db import connection
    from django.db.models import F
    from django.utils import timezone

    from apps.calls.models import Call, Recording
    from apps.jobs.models import Job
    from apps.search.models import SearchDocument
    from apps.search.tokens import day_term
    from apps.sorting.models import CallTag
    from apps.summaries.models import Summary

    rows: dict[Any, list[Any]] = {kind: [] for kind in (Call, Recording, Summary, Job, SearchDocument, CallTag)}
    taken: list[tuple[Any, int, int]] = []
    now = timezone.now()
    for age, owner in places:
        call = Call(organization=organization, title=f"통화 {age}.wav", source="upload", created_by=owner)
        call.duration_s, call.happened_at = rng.uniform(30, 600), now - timedelta(seconds=30 * age)
        numbers = rng.sample(range(len(pool)), 3)
        parts = [pool[number] for number in numbers]
        key, before = Call._meta.pk.get_db_prep_value(call.pk, connection), 0
        for number in numbers:
            taken.append((key, number, before))
            before += len(pool[number].turns)
        content, day = parts[0].summary, {day_term(call.happened_at)}
        own = {"call": call, "organization": organization}
        rows[Call].append(call)
        rows[Recording].append(Recording(**own, path="", file_name=call.title, sha256=f"{age:064}", size_bytes=1))
        rows[Summary].append(Summary(**own, version=1, content=content, method="model", model_version="mini"))
        state = rng.choices(Job.FINAL, (97, 2, 1))[0]
        rows[Job].append(Job(**own, state=state, stage="publish", progress=1.0, finished_at=now))
        rows[SearchDocument].append(
            SearchDocument(
                call=call,
                terms=" ".join(parts[0].about.union(day, *(part.said for part in parts))),
                category=content["category"],
                outcome=content["outcome"],
                sentiment=content["sentiment"],
                open_actions=rng.choice((0, 0, 0, 1, 2)),
            )
        )
        if rng.random() < 0.02:
            rows[CallTag].append(CallTag(call=call, tag=tag))
    for kind, made in rows.items():
        kind.objects.bulk_create(made, batch_size=5000)
    Call.objects.filter(pk__in=[call.pk for call in rows[Call]]).update(created_at=F("happened_at"))
    return _write_lines(organization, taken)


class _Part:
    """One simulated call: its turns, the terms of what was said and of the summary, the summary as it is kept."""

    def __init__(self, simulated: Any) -> None:
        from apps.search.documents import summary_texts
        from apps.search.tokens import Place, tokens_of
        from workers.engines.conversion import to_contract

        summary = to_contract(simulated.summary)
        self.turns = [(line.party, line.text) for line in simulated.lines]
        places = {"A": Place.SAID_A, "B": Place.SAID_B}
        self.said = {f"{places[party]}{token}" for party, text in self.turns for token in tokens_of(text)}
        self.about = {f"{Place.ABOUT}{token}" for text in summary_texts(summary) for token in tokens_of(text)}
        self.summary = summary.model_dump(mode="json")

    def numbered(self) -> list[tuple[int, str, str]]:
        """Return each turn with its number."""
        return [(place, party, text) for place, (party, text) in enumerate(self.turns, 1)]


def _pool() -> list[_Part]:
    from model_core.data.simulator.expand import CallSimulator

    simulator = CallSimulator("train", 7)
    return [_Part(simulator.call(index)) for index in range(_POOL)]


def _pages(actor: Any) -> Callable[[dict[str, object]], str]:
    """Return what asks the list for a page as `actor` and returns how many calls it says there are."""
    from django.test import Client
    from django.utils import timezone

    client = Client(SERVER_NAME="localhost")
    client.force_login(actor)

    def page(asked: dict[str, object]) -> str:
        words = {name: str(value) for name, value in asked.items()}
        for name, value in words.items():
            if value.endswith(" days"):
                words[name] = str(timezone.localdate() + timedelta(days=int(value.removesuffix(" days"))))
        answer = client.get(f"/calls/?{urlencode(words)}")
        told = re.search(r'head-count num">([\d,+]+)', answer.content.decode())
        assert told is not None, answer.status_code
        return told[1]

    return page


def _measure(actor: Any, rounds: int) -> None:
    from apps.calls.selectors import access_calls
    from apps.transcripts.models import TranscriptSegment

    page = _pages(actor)

    def like(text: str) -> str:
        lines = TranscriptSegment.objects.filter(text__icontains=text)
        found = access_calls(actor).filter(pk__in=lines.values("call"))
        list(found[:20])
        return str(found.count())

    print(f"{'':28}{'calls':>8}{'p50 ms':>9}{'p95 ms':>9}{'of the processor':>19}{'p95':>8}")
    everything: list[Took] = []
    for name, asked in LISTS.items():
        everything += _row(name, lambda asked=asked: page(asked), rounds)
    _print("all lists", "", everything)
    everything = []
    for text in SEARCHES:
        everything += _row(text, lambda text=text: page({"q": text}), rounds)
    everything += _row("customer said 환불", lambda: page({"q": "환불", "party": "B"}), rounds)
    everything += _row("환불, unhappy customers", lambda: page({"q": "환불", "sentiment": "negative"}), rounds)
    _print("all searches", "", everything)
    _row("LIKE 환불 (peer)", lambda: like("환불"), 3)
    _scattered(actor)


def _row(name: str, work: Callable[[], str], rounds: int) -> list[Took]:
    work()
    times, found = [], ""
    for _ in range(rounds):
        started, busy = time.perf_counter(), _processor_s()
        found = work()
        times.append(((time.perf_counter() - started) * 1000, (_processor_s() - busy) * 1000))
    _print(name, found, times)
    return times


def _processor_s() -> float:
    """Return the processor time of this process and, on PostgreSQL, of the server's process that works for it."""
    from django.db import connection

    spent = time.process_time()
    if connection.vendor == "postgresql":
        connection.ensure_connection()
        backend = Path(f"/proc/{connection.connection.info.backend_pid}/schedstat")
        spent += int(backend.read_text().split()[0]) / 1e9
    return spent


def _print(name: str, found: str, times: list[Took]) -> None:
    clock, busy = (quantiles(values, n=100, method="inclusive") for values in zip(*times, strict=True))
    verdict = "" if clock[94] <= TARGET_P95_MS else "  over the target"
    print(f"{name:28}{found:>8}{clock[49]:9.1f}{clock[94]:9.1f}{busy[49]:19.1f}{busy[94]:8.1f}{verdict}", flush=True)


def _explain(actor: Any, _rounds: int) -> None:
    """Print each page's queries with their times, and the plan of those that take longer than 20 ms."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    page = _pages(actor)
    for asked in [*LISTS.values(), *({"q": text} for text in SEARCHES)]:
        page(asked)
        with CaptureQueriesContext(connection) as queries:
            page(asked)
        print(f"== {asked}: {len(queries)} queries, {sum(float(query['time']) for query in queries) * 1000:.0f} ms")
        for query in queries:
            if float(query["time"]) > 0.02 and query["sql"].startswith("SELECT"):
                print(f"{float(query['time']) * 1000:.0f} ms: {query['sql'][:600]}")
                with connection.cursor() as cursor:
                    cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS) {query['sql'].replace('%', '%%')}")
                    print("\n".join(f"    {line}" for (line,) in cursor.fetchall()))


def _scattered(actor: Any) -> None:
    """Print how many of the calls found hold all bigrams of a word but not the word."""
    from apps.calls.filters import CallFilter
    from apps.calls.selectors import find_calls
    from apps.search.hits import find_hits

    found = hits = 0
    for text in SEARCHES:
        calls = list(find_calls(actor, CallFilter(text=text))[:200])
        found, hits = found + len(calls), hits + len(find_hits(calls, text=text))
    print(f"without a whole hit: {found - hits} of {found} calls found")


if __name__ == "__main__":
    main()
