"""What people send about calls: files to upload, and the filter of the list."""

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

CODECS = {"mulaw": "G.711 µ-law", "alaw": "G.711 A-law", "pcm_s16le": "PCM 16 bit"}
MAX_FILES = 200


class MultipleFileInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Several files. Empty ones pass here: the service refuses each with its reason, and the others go on."""

    widget = MultipleFileInput

    def clean(self, data: Any, initial: Any = None) -> "list[UploadedFile[Any]]":
        """Return the files that were sent."""
        sent = data if isinstance(data, list | tuple) else [data]
        return [super(FilesField, self).clean(file, initial) for file in sent]


class FormatForm(forms.Form):
    """How to read a recording that has no header."""

    codec = forms.ChoiceField(required=False, choices=[("", _("자동")), *CODECS.items()])
    rate_hz = forms.IntegerField(required=False, min_value=4000, max_value=192_000)


class UploadForm(FormatForm):
    """Recordings, and how to read them when they have no header."""

    files: Any = FilesField(allow_empty_file=True, max_length=255)


class FilterForm(forms.Form):
    """The filter of the list; what makes no sense is ignored rather than refused."""

    GROUPS = (
        ("", _("모든 상태")),
        ("active", _("진행 중")),
        ("done", _("완료")),
        ("failed", _("실패")),
        ("cancelled", _("취소됨")),
    )

    q = forms.CharField(required=False, max_length=100)
    state = forms.ChoiceField(required=False, choices=GROUPS)

    def text(self) -> str:
        """Return what to look for."""
        return str(self.cleaned_data.get("q", "")).replace("\x00", "") if self.is_valid() or self.cleaned_data else ""

    def group(self) -> str:
        """Return the state to narrow to."""
        return str(self.cleaned_data.get("state", ""))
