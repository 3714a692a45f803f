"""The calls that a person has chosen for a batch: one by one, or all that a filter of the list finds."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import Http404, QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.calls.forms import FilterForm, moment_of
from apps.calls.models import Call
from apps.calls.selectors import access_calls, find_calls
from apps.core.errors import YoyakError

MAX_CALLS = 10_000


class BatchForm(forms.Form):
    """Calls of one organization, out of those `actor` may see.

    With `every` set they are those that `filter`, a query string of the list, finds among the calls that were there at
    `as_of`; otherwise those of `calls`.
    """

    calls = forms.ModelMultipleChoiceField(queryset=Call.objects.none(), required=False)
    name = forms.CharField(required=False, max_length=200, strip=True)
    every = forms.BooleanField(required=False)
    filter = forms.CharField(required=False, max_length=2000)
    as_of = forms.CharField(required=False, max_length=40)

    def __init__(self, *args: Any, actor: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.actor = actor
        self.fields["calls"].queryset = access_calls(actor)  # type: ignore[attr-defined]

    def chosen(self) -> list[Call]:
        """Return the calls in the order they happened.

        Raises:
            Http404: one of them is not the person's to see.
            YoyakError: none is chosen, too many are, or they belong to several organizations.
        """
        if not self.is_valid():
            raise Http404("no such call")
        return one_house(self._found() if self.cleaned_data["every"] else self.cleaned_data["calls"])

    def _found(self) -> "QuerySet[Call]":
        as_of = moment_of(self.cleaned_data["as_of"]) or timezone.now()
        return find_calls(self.actor, FilterForm(QueryDict(self.cleaned_data["filter"])).wanted(), as_of=as_of)

    def hidden(self) -> list[tuple[str, str]]:
        """Return the choice as names and values of hidden fields, so that the next page asks for the same calls."""
        if not self.cleaned_data["every"]:
            return [("calls", str(call.pk)) for call in self.cleaned_data["calls"]]
        as_of = self.cleaned_data["as_of"] or timezone.now().isoformat()
        return [("every", "1"), ("filter", self.cleaned_data["filter"]), ("as_of", as_of)]


def one_house(found: "QuerySet[Call]") -> list[Call]:
    """Return the calls of `found`, which are to become one batch, in the order they happened.

    Raises:
        YoyakError: there is none, there are too many, or they belong to several organizations.
    """
    calls = list(found[: MAX_CALLS + 1])
    if not calls:
        raise YoyakError("nothing_chosen")
    if len(calls) > MAX_CALLS:
        raise YoyakError("too_many_chosen", limit=MAX_CALLS)
    if len({call.organization_id for call in calls}) > 1:
        raise YoyakError("mixed_organizations")
    return sorted(calls, key=lambda call: (call.happened_at, str(call.pk)))


class WishForm(forms.Form):
    """With which template and model a batch is summarized, out of those offered as values and names."""

    template = forms.ChoiceField(label=_("템플릿"), required=False)
    model = forms.ChoiceField(label=_("모델"), required=False)

    def __init__(
        self, *args: Any, templates: Iterable[tuple[str, str]], models: Iterable[tuple[str, str]], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        standing = [("", _("통화마다 정한 대로")), ("default", _("조직의 기본"))]
        self.fields["template"].choices = [*standing, *templates]  # type: ignore[attr-defined]
        self.fields["model"].choices = [("", _("지금 쓰는 모델")), *models]  # type: ignore[attr-defined]
