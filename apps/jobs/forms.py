"""The calls that a person has chosen for a batch."""

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import Http404

from apps.calls.models import Call
from apps.core.errors import YoyakError


class BatchForm(forms.Form):
    """Calls of one organization, out of those the person may see."""

    calls = forms.ModelMultipleChoiceField(queryset=Call.objects.none())
    name = forms.CharField(required=False, max_length=200, strip=True)

    def __init__(self, *args: Any, visible: QuerySet[Call], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["calls"].queryset = visible  # type: ignore[attr-defined]

    def chosen(self) -> list[Call]:
        """Return the calls in the order they came in.

        Raises:
            Http404: one of them is not the person's to see.
            YoyakError: none is chosen, or they belong to several organizations.
        """
        if not self.data.getlist("calls"):  # type: ignore[attr-defined]
            raise YoyakError("nothing_chosen")
        if not self.is_valid():
            raise Http404("no such call")
        calls = sorted(self.cleaned_data["calls"], key=lambda call: (call.created_at, str(call.pk)))
        if len({call.organization_id for call in calls}) > 1:
            raise YoyakError("mixed_organizations")
        return calls
