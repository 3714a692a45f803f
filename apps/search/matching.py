"""The condition "this call holds these words", for SQLite (FTS5) and PostgreSQL (tsvector) with the same meaning.

Both ask the same question of the same terms (`apps.search.tokens`): all terms of a word within one of the places.
"""

from typing import Any, NamedTuple

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, F, Func
from django.db.models.sql.compiler import SQLCompiler

from apps.search.tokens import Place, terms_of


class Signs(NamedTuple):
    """How a language of queries writes "both", "either", and what stands around a term."""

    both: str
    either: str
    quote: str


FTS5, TSQUERY = Signs(" AND ", " OR ", '"'), Signs(" & ", " | ", "'")


class Holds(Func):
    """True for calls whose document holds every one of `words`, each within one of `places`.

    With `days`, terms of days, only calls of these are looked at: a common word then costs no more than a rare one.
    `rare` says that the words are in few calls, a guess about speed alone.
    """

    output_field = BooleanField()

    def __init__(
        self,
        words: tuple[str, ...],
        places: tuple[Place, ...] = tuple(Place),
        *,
        days: tuple[str, ...] = (),
        rare: bool = False,
    ) -> None:
        super().__init__(F("pk"))
        self.words, self.places, self.days, self.rare = words, places, days, rare

    def as_sqlite(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_: Any
    ) -> tuple[str, tuple[Any, ...]]:
        """Ask the FTS5 table for the ids of documents."""
        key, params = compiler.compile(self.source_expressions[0])
        found = "SELECT rowid FROM search_fts WHERE search_fts MATCH %s"
        return (
            f"{key} IN (SELECT call_id FROM search_document WHERE id IN ({found}))",  # noqa: S608
            (*params, self._query(FTS5)),
        )

    def as_postgresql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_: Any
    ) -> tuple[str, tuple[Any, ...]]:
        """Ask `search_found`, which asks the GIN index and never reads a document.

        The planner thinks that comparing a document is as cheap as comparing two numbers: left to itself it unpacks
        thousands of documents. So the function has them found by the index, all at once. Of rare words the calls are
        then read and sorted. Else IS TRUE keeps them a set of ids, made once, to which calls are held in the order of
        the list until the page is full.
        """
        key, params = compiler.compile(self.source_expressions[0])
        found = f"({key} IN (SELECT search_found(%s::tsquery)))"
        return found if self.rare else f"{found} IS TRUE", (*params, self._query(TSQUERY))

    def _query(self, signs: Signs) -> str:
        return query_of(self.words, signs, places=self.places, days=self.days)


def query_of(
    words: tuple[str, ...], signs: Signs, *, places: tuple[Place, ...] = tuple(Place), days: tuple[str, ...] = ()
) -> str:
    """Return the query for all `words`. Terms are letters, digits and a mark: no escapes."""

    def one_of(terms: list[str] | tuple[str, ...]) -> str:
        return "(" + signs.either.join(f"{signs.quote}{term}{signs.quote}" for term in terms) + ")"

    def within(place: Place, word: str) -> str:
        return "(" + signs.both.join(one_of([f"{place}{term}" for term in group]) for group in terms_of(word)) + ")"

    asked = ["(" + signs.either.join(within(place, word) for place in places) + ")" for word in words]
    return signs.both.join([*asked, one_of(days)] if days else asked)
