"""The condition "this call holds these words", for SQLite (FTS5) and PostgreSQL (tsvector) with the same meaning.

Both ask the same question of the same terms (`apps.search.tokens`): all terms of a word within one of the columns.
"""

from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, F, Func
from django.db.models.sql.compiler import SQLCompiler

from apps.search.tokens import terms_of

COLUMNS = ("about", "said_a", "said_b")


class Holds(Func):
    """True for calls whose document holds every one of `words`, each within one of `columns`.

    With `days`, terms of days, only calls of these are looked at: a common word then costs no more than a rare one.
    """

    output_field = BooleanField()

    def __init__(self, words: tuple[str, ...], columns: tuple[str, ...] = COLUMNS, days: tuple[str, ...] = ()) -> None:
        super().__init__(F("pk"))
        self.words, self.columns, self.days = words, columns, days

    def as_sqlite(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_: Any
    ) -> tuple[str, tuple[Any, ...]]:
        """Ask the FTS5 table for the ids of documents."""
        key, params = compiler.compile(self.source_expressions[0])
        query = " AND ".join(f"({fts5_of(word, self.columns, self.days)})" for word in self.words)
        found = "SELECT rowid FROM search_fts WHERE search_fts MATCH %s"
        return f"{key} IN (SELECT call_id FROM search_document WHERE id IN ({found}))", (*params, query)  # noqa: S608

    def as_postgresql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_: Any
    ) -> tuple[str, tuple[Any, ...]]:
        """Ask `search_found`, which asks the GIN indexes and never reads a document.

        The planner thinks that comparing a document is as cheap as comparing two numbers, and that the bigrams of a
        word are found independently of each other: left to itself it unpacks thousands of documents. So the function
        has them found by the indexes, all at once, and IS TRUE keeps them a set of ids, made once, to which calls are
        held in the order of the list until the page is full; a join would be sorted whole.
        """
        key, params = compiler.compile(self.source_expressions[0])
        words = [tsquery_of(word, self.days) for word in self.words]
        return f"({key} IN (SELECT search_found(%s::tsquery[], %s::text[]))) IS TRUE", (
            *params,
            words,
            list(self.columns),
        )


def fts5_of(word: str, columns: tuple[str, ...], days: tuple[str, ...] = ()) -> str:
    """Return the FTS5 query for `word` in any of `columns`. Terms are letters, digits and a mark: no escapes."""
    expression = " AND ".join("(" + " OR ".join(f'"{term}"' for term in group) + ")" for group in _groups(word, days))
    return " OR ".join(f"({column} : ({expression}))" for column in columns)


def tsquery_of(word: str, days: tuple[str, ...] = ()) -> str:
    """Return the tsquery for `word`."""
    return " & ".join("(" + " | ".join(f"'{term}'" for term in group) + ")" for group in _groups(word, days))


def _groups(word: str, days: tuple[str, ...]) -> list[tuple[str, ...]]:
    return [*terms_of(word), days] if days else terms_of(word)
