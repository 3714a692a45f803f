"""Put the terms of a document into one column, each with the letter of its place, and the day of the call beside them.

One index then answers a query whole: a rare word, or a stretch of days, leads it past the common words. It takes some
minutes for a hundred thousand calls, and searches wait for it. Going back leaves empty documents: `rebuild_search`.
"""

from importlib import import_module

from django.db import migrations

from apps.search.fields import TermsField

_PLACES = {"about": "s", "said_a": "a", "said_b": "b"}
_NAMES = ", ".join(_PLACES)
_TRIGGERS = ("search_document_added", "search_document_removed", "search_document_changed")


def _fts5(columns, detail):
    new, old = (", ".join(f"{row}.{column}" for column in columns) for row in ("new", "old"))
    names = ", ".join(columns)
    add = f"INSERT INTO search_fts(rowid, {names}) VALUES (new.id, {new});"
    remove = f"INSERT INTO search_fts(search_fts, rowid, {names}) VALUES ('delete', old.id, {old});"
    added, removed, changed = _TRIGGERS
    return [
        f"""CREATE VIRTUAL TABLE search_fts USING fts5({names}, content='search_document', content_rowid='id',
            detail={detail}, tokenize="unicode61 remove_diacritics 0 tokenchars '_'")""",
        f"CREATE TRIGGER {added} AFTER INSERT ON search_document BEGIN {add} END",
        f"CREATE TRIGGER {removed} AFTER DELETE ON search_document BEGIN {remove} END",
        f"CREATE TRIGGER {changed} AFTER UPDATE ON search_document BEGIN {remove} {add} END",
        "INSERT INTO search_fts(search_fts) VALUES ('rebuild')",
    ]


_DROP_FTS = [*(f"DROP TRIGGER {name}" for name in _TRIGGERS), "DROP TABLE search_fts"]
_FILL = {
    "sqlite": "UPDATE search_document SET terms = {} || ' d' || replace(date(happened_at), '-', '')".format(
        " || ' ' || ".join(
            f"iif({column} = '', '', '{letter}' || replace({column}, ' ', ' {letter}'))"
            for column, letter in _PLACES.items()
        )
    ),
    "postgresql": "UPDATE search_document SET terms = array_to_tsvector(ARRAY({} UNION ALL SELECT {}))".format(
        " UNION ALL ".join(
            f"SELECT '{letter}' || term FROM unnest(tsvector_to_array({column})) AS term"
            for column, letter in _PLACES.items()
        ),
        "to_char(happened_at AT TIME ZONE 'UTC', '\"d\"YYYYMMDD')",
    ),
}
_FOUND = """CREATE FUNCTION search_found(query tsquery) RETURNS SETOF uuid
    LANGUAGE plpgsql STABLE SET enable_seqscan = off SET jit = off SET work_mem = '32MB'
    AS 'BEGIN RETURN QUERY SELECT call_id FROM search_document WHERE terms @@ query; END'"""
_POSTGRESQL = [
    # What was there before is dead weight in every page of the table.
    "CLUSTER search_document USING search_document_pkey",
    "SET LOCAL maintenance_work_mem = '256MB'",
    "CREATE INDEX search_document_terms ON search_document USING gin (terms)",
    "DROP FUNCTION search_found(tsquery[], text[])",
    "DROP FUNCTION search_unpacks(bigint)",
    _FOUND,
]
# Writing a row is dear while these follow.
_DROP_INDEXES = [f"DROP INDEX search_document_{column}" for column in _PLACES]
_POSTGRESQL_BEFORE = [
    *(f"CREATE INDEX search_document_{column} ON search_document USING gin ({column})" for column in _PLACES),
    import_module("apps.search.migrations.0002_unpacking")._MAKE,
    *import_module("apps.search.migrations.0003_found")._MAKE,
]


def _run(**by_vendor):
    def run(apps, schema_editor):
        for statement in by_vendor.get(schema_editor.connection.vendor, ()):
            schema_editor.execute(statement, params=None)

    return run


def fill(apps, schema_editor):
    statement = f"{_FILL[schema_editor.connection.vendor]} FROM calls_call WHERE calls_call.id = call_id"
    schema_editor.execute(statement, params=None)


class Migration(migrations.Migration):
    dependencies = [("search", "0003_found"), ("calls", "0002_call_happened_at")]
    operations = [
        migrations.RunPython(
            _run(sqlite=_DROP_FTS, postgresql=_DROP_INDEXES),
            _run(sqlite=_fts5(_PLACES, "column"), postgresql=_POSTGRESQL_BEFORE),
        ),
        migrations.AddField("searchdocument", "terms", TermsField(default=""), preserve_default=False),
        migrations.RunPython(fill, migrations.RunPython.noop),
        # The default is for going back, when there is nothing to fill them with.
        *(migrations.AlterField("searchdocument", column, TermsField(default="")) for column in _PLACES),
        *(migrations.RemoveField("searchdocument", column) for column in _PLACES),
        migrations.RunPython(
            _run(sqlite=_fts5(["terms"], "none"), postgresql=_POSTGRESQL),
            _run(sqlite=_DROP_FTS, postgresql=["DROP FUNCTION search_found(tsquery)"]),
        ),
    ]
