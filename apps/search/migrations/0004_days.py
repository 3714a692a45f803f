"""Add the day of its call to every document, as a term; see `apps.search.tokens`.

It takes some minutes for a hundred thousand calls. Going back leaves the terms: nothing looks for them then.
"""

from django.db import migrations

_COLUMNS = ("about", "said_a", "said_b")
_POSTGRESQL = "UPDATE search_document SET {} FROM calls_call WHERE calls_call.id = call_id".format(
    ", ".join(
        f"{column} = {column} || array_to_tsvector(ARRAY[to_char(happened_at AT TIME ZONE 'UTC', '\"d\"YYYYMMDD')])"
        for column in _COLUMNS
    )
)
_SQLITE = "UPDATE search_document SET {} FROM calls_call WHERE calls_call.id = call_id".format(
    ", ".join(f"{column} = trim({column} || ' d' || replace(date(happened_at), '-', ''))" for column in _COLUMNS)
)


def add_days(apps, schema_editor):
    schema_editor.execute(_POSTGRESQL if schema_editor.connection.vendor == "postgresql" else _SQLITE, params=None)


class Migration(migrations.Migration):
    dependencies = [("search", "0003_found"), ("calls", "0002_call_happened_at")]
    operations = [migrations.RunPython(add_days, migrations.RunPython.noop)]
