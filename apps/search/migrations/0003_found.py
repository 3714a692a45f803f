"""Let PostgreSQL find documents by their indexes alone; see `apps.search.matching`.

The terms move out of the rows of the table, which is written anew for that: a page of it then holds sixty documents
in place of six. It takes some minutes for a hundred thousand calls, and searches wait for it.
"""

from django.db import migrations

_MAKE = [
    "ALTER TABLE search_document SET (toast_tuple_target = 128)",
    "CLUSTER search_document USING search_document_pkey",
    # Dear enough that several words are always looked up in the indexes, all of them, and none in the documents.
    "ALTER FUNCTION search_unpacks(bigint) COST 100000",
    """CREATE OR REPLACE FUNCTION search_found(words tsquery[], columns text[]) RETURNS SETOF uuid
       LANGUAGE plpgsql STABLE SET enable_seqscan = off SET jit = off SET work_mem = '32MB' AS $$
       DECLARE held text;
       BEGIN
           SELECT string_agg(one, ' AND ') INTO held FROM unnest(words) AS word, LATERAL (
               SELECT '(' || string_agg(format('%I @@ %L::tsquery', name, word), ' OR ') || ')' AS one
               FROM unnest(columns) AS name
           ) AS each;
           IF cardinality(words) > 1 THEN
               held := held || ' AND search_unpacks(id)';
           END IF;
           RETURN QUERY EXECUTE 'SELECT call_id FROM search_document WHERE ' || held;
       END $$""",
]
_DROP = [
    "DROP FUNCTION IF EXISTS search_found(tsquery[], text[])",
    "ALTER FUNCTION search_unpacks(bigint) COST 400",
    "ALTER TABLE search_document RESET (toast_tuple_target)",
]


def make(apps, schema_editor):
    _execute(schema_editor, _MAKE)


def drop(apps, schema_editor):
    _execute(schema_editor, _DROP)


def _execute(schema_editor, statements):
    if schema_editor.connection.vendor == "postgresql":
        for statement in statements:
            schema_editor.execute(statement, params=None)


class Migration(migrations.Migration):
    dependencies = [("search", "0002_unpacking")]
    operations = [migrations.RunPython(make, drop)]
