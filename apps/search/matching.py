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
    """True for calls whose document holds every one of `words`, each within one of `columns`."""

    output_field = BooleanField()

    def __init__(self, words: tuple[str, ...], columns: tuple[str, ...] = COLUMNS) -> None:
        super().__init__(F("document__id"), *(F(f"document__{column}") for column in columns))
        self.words, self.columns = words, columns

    def as_sqlite(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_: Any
    ) -> tuple[str, tuple[Any, ...]]:
        """Ask the FTS5 table for the ids of documents."""
        key, params = compiler.compile(self.source_expressions[0])
        query = " AND ".join(f"({fts5_of(word, self.columns)})" for word in self.words)
        return f"{key} IN (SELECT rowid FROM search_fts WHERE search_fts MATCH %s)", (*params, query)  # noqa: S608

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_: Any) -> tuple[str, list[Any]]:
        """Ask the GIN indexes, one a column, which the planner combines as bitmaps.

        Left to itself it thinks that comparing a document is as cheap as comparing two numbers, and reads and unpacks
        all documents where the indexes would name those that match; `search_unpacks` holds, and says what it costs.
        """
        key, *names = (compiler.compile(column)[0] for column in self.source_expressions)
        word = "(" + " OR ".join(f"{name} @@ %s::tsquery" for name in names) + ")"
        params = [tsquery_of(word) for word in self.words for _column in names]
        return " AND ".join([*[word] * len(self.words), f"search_unpacks({key})"]), params


def fts5_of(word: str, columns: tuple[str, ...]) -> str:
    """Return the FTS5 query for `word` in any of `columns`. Terms are letters, digits and a mark: no escapes."""
    if len(word) == 1:
        expression = f'"{word}" *'
    else:
        expression = " AND ".join("(" + " OR ".join(f'"{term}"' for term in group) + ")" for group in terms_of(word))
    return " OR ".join(f"({column} : ({expression}))" for column in columns)


def tsquery_of(word: str) -> str:
    """Return the tsquery for `word`."""
    if len(word) == 1:
        return f"'{word}':*"
    return " & ".join("(" + " | ".join(f"'{term}'" for term in group) + ")" for group in terms_of(word))
