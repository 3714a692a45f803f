"""What people send about members and the access log. Teams are those of the organization a form is made for."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.auth.forms import BaseUserCreationForm
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from apps.accounts.labels import ACTIONS
from apps.accounts.log import LogFilter
from apps.accounts.models import Role, Scope, Team, User
from apps.core.days import midnight

if TYPE_CHECKING:
    NewUserForm = BaseUserCreationForm[User]
else:
    NewUserForm = BaseUserCreationForm


class PlaceForm(forms.Form):
    """A role and one of `teams`, or none."""

    role = forms.TypedChoiceField(label=_("역할"), choices=Role, coerce=Role)

    def __init__(self, *args: Any, teams: Iterable[Team], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = {str(team.pk): team for team in teams}
        choices = [("", _("팀 없음")), *((key, team.name) for key, team in known.items())]
        self.fields["team"] = forms.TypedChoiceField(
            label=_("팀"), required=False, empty_value=None, choices=choices, coerce=known.__getitem__
        )


class InvitationForm(PlaceForm):
    """Whom to invite, in words, and as what."""

    note = forms.CharField(label=_("받는 사람"), max_length=100, strip=True)
    field_order = ["note", "role"]


class TeamForm(forms.Form):
    name = forms.CharField(label=_("팀 이름"), max_length=100, strip=True)


class TokenForm(forms.Form):
    """What a token is for, what it may do, and until when."""

    name = forms.CharField(label=_("어디에 쓰나요"), max_length=100, strip=True)
    write = forms.ChoiceField(
        label=_("할 수 있는 일"), choices=[("", _("읽기만")), ("1", _("읽기와 쓰기"))], required=False
    )
    days = forms.TypedChoiceField(
        label=_("기간"), choices=[(30, _("30일")), (90, _("90일")), (365, _("1년"))], coerce=int, initial=90
    )

    def scopes(self) -> list[Scope]:
        """Return what the token may do; call after `is_valid`."""
        return [Scope.READ, *([Scope.WRITE] if self.cleaned_data["write"] else [])]


class JoinForm(NewUserForm):
    """The name and password of somebody who follows an invitation and has none here yet."""

    class Meta:
        model = User
        fields = ["username"]
        labels = {"username": _("아이디")}


class LogForm(forms.Form):
    """The filter of the access log; what makes no sense is ignored rather than refused."""

    action = forms.ChoiceField(label=_("한 일"), required=False, choices=[("", _("모든 일")), *ACTIONS.items()])
    since = forms.DateField(label=_("이날부터"), required=False, widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"))
    until = forms.DateField(label=_("이날까지"), required=False, widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"))
    object = forms.UUIDField(label=_("대상 번호"), required=False)

    def __init__(self, data: QueryDict, people: QuerySet[User]) -> None:
        super().__init__(data)
        choices = [("", _("모두")), *((str(user.pk), user.username) for user in people)]
        self.fields["person"] = forms.ChoiceField(label=_("사람"), required=False, choices=choices)
        self.order_fields(["person"])

    def wanted(self) -> LogFilter:
        """Return the filter that was asked for; `until` includes its day."""
        self.is_valid()
        said = self.cleaned_data
        return LogFilter(
            actor=said.get("person") or None,
            action=said.get("action", ""),
            since=midnight(said.get("since")),
            until=midnight(said.get("until"), days=1),
            object_id=said.get("object"),
        )

    def query(self) -> str:
        """Return the filter as the query of an address, without the page."""
        asked = QueryDict(mutable=True)
        for name in self.fields:
            if self.data.get(name):
                asked[name] = self.data[name]
        return asked.urlencode()
