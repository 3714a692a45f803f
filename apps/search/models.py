"""What is searched of a call: the terms of its texts, and the facets of the summary that is shown.

The table is made by `apps.search.services` and can be rebuilt at any time. On SQLite triggers keep the FTS5 table
`search_fts` beside it (see the migration; a later migration that remakes this table must make the triggers again).
"""

from django.db import models

from apps.calls.models import Call
from apps.search.fields import TermsField


class SearchDocument(models.Model):
    """The terms of one call, made by `apps.search.tokens.joined_terms`."""

    call = models.OneToOneField(Call, on_delete=models.CASCADE, related_name="document")
    terms = TermsField()
    category = models.CharField(max_length=16, blank=True)
    outcome = models.CharField(max_length=16, blank=True)
    sentiment = models.CharField(max_length=16, blank=True)
    open_actions = models.PositiveSmallIntegerField(default=0)

    class Meta:
        db_table = "search_document"

    def __str__(self) -> str:
        return str(self.call_id)
