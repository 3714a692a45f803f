"""What administrators send for an import: the table, and recordings that it names."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.calls.forms import FilesField
from apps.intake.table import MAX_BYTES


class TableForm(forms.Form):
    """The CSV file with a row for each call. An empty one passes here: reading it says what is wrong."""

    table = forms.FileField(
        label=_("통화 표(CSV)"),
        allow_empty_file=True,
        max_length=200,
        widget=forms.FileInput(attrs={"accept": ".csv,text/csv"}),
    )

    def content(self) -> bytes:
        """Return the bytes, cut just past the limit: reading them says so then."""
        file = self.cleaned_data["table"]
        return bytes(file.read(MAX_BYTES + 1))


class RecordingsForm(forms.Form):
    """Recordings from the folder."""

    files: Any = FilesField(allow_empty_file=True, max_length=255)
