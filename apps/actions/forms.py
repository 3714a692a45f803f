"""What people send about actions: the filter of the inbox, whom to give one to, the day it is due."""

from django import forms
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from apps.accounts.models import User
from apps.actions.selectors import ActionFilter


class ActionFilterForm(forms.Form):
    """The filter of the inbox; what makes no sense is ignored. Without any parameter it shows what I have to do."""

    WHOSE = (("mine", _("내 할 일")), ("nobody", _("담당자 없음")), ("all", _("모두")))
    STATES = (("open", _("남은 일")), ("done", pgettext_lazy("action", "끝낸 일")), ("all", _("모두")))
    DUES = (
        ("", _("모든 기한")),
        ("late", _("기한 지남")),
        ("today", _("오늘")),
        ("week", _("7일 안")),
        ("none", _("기한 없음")),
    )

    whose = forms.ChoiceField(required=False, choices=WHOSE)
    state = forms.ChoiceField(required=False, choices=STATES)
    due = forms.ChoiceField(label=_("기한"), required=False, choices=DUES)

    def chosen(self) -> dict[str, str]:
        """Return the choices by field, the defaults filled in."""
        self.is_valid()
        said = self.cleaned_data
        return {
            "whose": said.get("whose") or "mine",
            "state": said.get("state") or "open",
            "due": said.get("due", ""),
        }

    def wanted(self) -> ActionFilter:
        """Return the filter that was asked for."""
        return ActionFilter(**{name: "" if value == "all" else value for name, value in self.chosen().items()})

    def query(self, **changes: str) -> str:
        """Return the filter with `changes` as a query string."""
        query = QueryDict(mutable=True)
        query.update({name: value for name, value in (self.chosen() | changes).items() if value})
        return query.urlencode()


class AssignForm(forms.Form):
    """One of the members, or nobody."""

    assignee = forms.ModelChoiceField(queryset=User.objects.none(), required=False, empty_label=_("담당자 없음"))

    def __init__(self, *args: object, members: QuerySet[User], **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["assignee"].queryset = members  # type: ignore[attr-defined]


class DueForm(forms.Form):
    """The day an action is due; empty takes it away."""

    due_on = forms.DateField(required=False)
