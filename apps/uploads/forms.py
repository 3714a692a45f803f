"""What a browser says before it sends a file in parts."""

from django import forms

from apps.calls.forms import FormatForm


class BeginForm(FormatForm):
    """The file to come."""

    file_name = forms.CharField(max_length=255)
    size_bytes = forms.IntegerField(min_value=0, max_value=2**53)
