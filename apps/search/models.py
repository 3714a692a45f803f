"""What is searched of a call: the terms of its texts, and the facets of the summary that is shown.

The table is made by `apps.search.services` and can be rebuilt at any time. On SQLite triggers keep the FTS5 table
`search_fts` beside it (see the migration; a later migration that remakes this table must make the triggers again).
"""

from django.db import models

from apps.calls.models import Call
from apps.search.fields import TermsField


class SearchDocument(models.Model):
    """The terms of one call, unique and separated by single spaces.

    `about` holds titles, file name and summary, `said_a` what party A said, `said_b` what everybody else said, and each
    the day of the call.
    """

    call = models.OneToOneField(Call, on_delete=models.CASCADE, related_name="document")
    about = TermsField()
    said_a = TermsField()
    said_b = TermsField()
    category = models.CharField(max_length=16, blank=True)
    outcome = models.CharField(max_length=16, blank=True)
    sentiment = models.CharField(max_length=16, blank=True)
    open_actions = models.PositiveSmallIntegerField(default=0)

    class Meta:
        db_table = "search_document"

    def __str__(self) -> str:
        return str(self.call_id)
