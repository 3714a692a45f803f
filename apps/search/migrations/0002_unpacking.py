"""Tell PostgreSQL what it costs to unpack the terms of a document; see `apps.search.matching`.

The function does nothing. Its cost, in units of a comparison, was chosen so that the plans of a hundred thousand calls
are those that were measured to be quicker: the indexes of terms for all but the commonest words.
"""

from django.db import migrations

_MAKE = """CREATE OR REPLACE FUNCTION search_unpacks(bigint) RETURNS boolean
    LANGUAGE plpgsql STABLE COST 400 AS 'BEGIN RETURN true; END'"""


def make(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(_MAKE, params=None)


def drop(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP FUNCTION IF EXISTS search_unpacks(bigint)", params=None)


class Migration(migrations.Migration):
    dependencies = [("search", "0001_initial")]
    operations = [migrations.RunPython(make, drop)]
