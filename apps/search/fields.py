"""A column of search terms: text on SQLite, where an FTS5 table reads it, and a tsvector on PostgreSQL.

Written as terms separated by single spaces. Meant to be searched, not read.
"""

from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.sql.compiler import SQLCompiler

if TYPE_CHECKING:
    TextField = models.TextField[str, str]
else:
    TextField = models.TextField


class TermsField(TextField):
    """Terms without order or places, each once."""

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        """Return the type of the column."""
        return "tsvector" if connection.vendor == "postgresql" else "text"

    def get_placeholder(self, value: Any, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> str:
        """Return the SQL that makes the column's value from the text. PostgreSQL's own text parser is not asked."""
        return "array_to_tsvector(string_to_array(%s, ' '))" if connection.vendor == "postgresql" else "%s"
