"""What administrators send about an endpoint."""

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.webhooks.models import Kind


class EndpointForm(forms.Form):
    """Where an endpoint is and what it wants to be told."""

    url = forms.CharField(
        label=_("받을 주소"),
        max_length=500,
        widget=forms.URLInput(attrs={"placeholder": "https://crm.example.com/hooks/yoyak"}),
    )
    description = forms.CharField(label=_("설명"), max_length=200, required=False, empty_value="")
    kinds = forms.TypedMultipleChoiceField(
        label=_("알릴 일"), choices=Kind.choices, coerce=Kind, widget=forms.CheckboxSelectMultiple
    )


class ChangeForm(EndpointForm):
    """The same for one that exists, and whether anything is sent."""

    enabled = forms.BooleanField(label=_("보내기"), required=False)
