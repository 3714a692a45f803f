"""The table of search documents, and what makes it quick: GIN indexes on PostgreSQL, an FTS5 table with triggers on SQLite."""

import django.db.models.deletion
from django.db import migrations, models

import apps.search.fields

_COLUMNS = ("about", "said_a", "said_b")
_NAMES = ", ".join(_COLUMNS)
_NEW = ", ".join(f"new.{column}" for column in _COLUMNS)
_OLD = ", ".join(f"old.{column}" for column in _COLUMNS)
_ADD = f"INSERT INTO search_fts(rowid, {_NAMES}) VALUES (new.id, {_NEW});"
_REMOVE = f"INSERT INTO search_fts(search_fts, rowid, {_NAMES}) VALUES ('delete', old.id, {_OLD});"

_SQLITE = [
    # detail=column: which column holds a term is kept, its place is not needed.
    f"""CREATE VIRTUAL TABLE search_fts USING fts5({_NAMES}, content='search_document', content_rowid='id', detail=column,
        tokenize="unicode61 remove_diacritics 0 tokenchars '_'")""",
    f"CREATE TRIGGER search_document_added AFTER INSERT ON search_document BEGIN {_ADD} END",
    f"CREATE TRIGGER search_document_removed AFTER DELETE ON search_document BEGIN {_REMOVE} END",
    f"CREATE TRIGGER search_document_changed AFTER UPDATE ON search_document BEGIN {_REMOVE} {_ADD} END",
]
_POSTGRESQL = [
    f"CREATE INDEX search_document_{column} ON search_document USING gin ({column})" for column in _COLUMNS
]


def make_indexes(apps, schema_editor):
    for statement in _SQLITE if schema_editor.connection.vendor == "sqlite" else _POSTGRESQL:
        schema_editor.execute(statement, params=None)


def drop_fts(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        schema_editor.execute("DROP TABLE search_fts", params=None)


class Migration(migrations.Migration):
    initial = True
    dependencies = [("calls", "0001_initial")]
    operations = [
        migrations.CreateModel(
            name="SearchDocument",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("about", apps.search.fields.TermsField()),
                ("said_a", apps.search.fields.TermsField()),
                ("said_b", apps.search.fields.TermsField()),
                ("category", models.CharField(blank=True, max_length=16)),
                ("outcome", models.CharField(blank=True, max_length=16)),
                ("sentiment", models.CharField(blank=True, max_length=16)),
                ("open_actions", models.PositiveSmallIntegerField(default=0)),
                (
                    "call",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="document", to="calls.call"
                    ),
                ),
            ],
            options={"db_table": "search_document"},
        ),
        migrations.RunPython(make_indexes, drop_fts),
    ]
