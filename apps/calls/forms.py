"""What people send about calls: files to upload, and the filter of the list."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.forms.utils import flatatt
from django.http import QueryDict
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _

from apps.calls.filters import CallFilter
from apps.core.days import midnight
from apps.intake.models import CallDetails
from apps.summaries.labels import CATEGORIES, OUTCOMES, SENTIMENTS

CODECS = {"mulaw": "G.711 µ-law", "alaw": "G.711 A-law", "pcm_s16le": "PCM 16 bit"}
MAX_TEXT = 100


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


class DayInput(forms.DateInput):
    """A day, in the one spelling that browsers take."""

    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class QuickSelect(forms.Select):
    """A choice written at once. Django fills three templates for each option, which took longer than the calls listed.

    The options have no groups. With `lang` they are what people have named, which stays in its language on every page.
    """

    def __init__(self, choices: Iterable[tuple[str, Any]] = (), *, lang: str = "") -> None:
        super().__init__(choices=choices)
        self.lang = format_html(' lang="{}"', lang) if lang else ""

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        """Return the element with all its options."""
        chosen = self.format_value(value)
        options = format_html_join(
            "",
            '<option value="{}"{}{}>{}</option>',
            (
                (key, self.lang if key else "", mark_safe(" selected") if str(key) in chosen else "", label)
                for key, label in self.choices
            ),
        )
        return format_html("<select{}>{}</select>", flatatt({"name": name} | self.build_attrs(attrs or {})), options)


class QuickChoice(forms.ChoiceField):
    widget = QuickSelect


class FilterForm(forms.Form):
    """The filter of the list; what makes no sense is ignored rather than refused."""

    GROUPS = (
        ("", _("모든 상태")),
        ("active", _("진행 중")),
        ("done", _("완료")),
        ("failed", _("실패")),
        ("cancelled", _("취소됨")),
    )

    q = forms.CharField(required=False, max_length=MAX_TEXT, empty_value="")
    state = forms.ChoiceField(required=False, choices=GROUPS)
    since = forms.DateField(label=_("이날부터"), required=False, widget=DayInput)
    until = forms.DateField(label=_("이날까지"), required=False, widget=DayInput)
    agent = forms.UUIDField(label=_("상담원"), required=False, widget=QuickSelect(lang="ko"))
    tag = forms.CharField(label=_("태그"), required=False, max_length=40, empty_value="", widget=QuickSelect(lang="ko"))
    category = QuickChoice(label=_("분야"), required=False, choices=[("", _("모든 분야")), *CATEGORIES.items()])
    outcome = QuickChoice(label=_("결과"), required=False, choices=[("", _("모든 결과")), *OUTCOMES.items()])
    sentiment = QuickChoice(label=_("고객 반응"), required=False, choices=[("", _("모든 반응")), *SENTIMENTS.items()])
    party = QuickChoice(
        label=_("말한 사람"),
        required=False,
        choices=[("", _("누가 말했든")), ("A", _("받은 쪽")), ("B", _("건 쪽"))],
    )
    min_minutes = forms.FloatField(label=_("최소 길이(분)"), required=False, min_value=0)
    max_minutes = forms.FloatField(label=_("최대 길이(분)"), required=False, min_value=0)
    open_actions = forms.NullBooleanField(
        label=_("할 일"),
        required=False,
        widget=QuickSelect(choices=[("", _("상관없음")), ("true", _("있음")), ("false", _("없음"))]),
    )
    phone = forms.CharField(label=_("고객 전화"), required=False, max_length=32, empty_value="")
    external_id = forms.CharField(label=_("외부 ID"), required=False, max_length=100, empty_value="")
    direction = QuickChoice(
        label=_("방향"), required=False, choices=[("", _("모든 방향")), *CallDetails.Direction.choices]
    )

    def offer(self, *, agents: Iterable[tuple[str, str]], tags: Iterable[str]) -> None:
        """Fill the choices that depend on the person: agents by id and name, and tags."""
        self.fields["agent"].widget.choices = [("", _("누구나")), *agents]
        self.fields["tag"].widget.choices = [("", _("모든 태그")), *((tag, tag) for tag in tags)]

    def wanted(self) -> CallFilter:
        """Return the filter that was asked for; `until` includes its day."""
        self.is_valid()
        said = self.cleaned_data
        return CallFilter(
            text=said.get("q", ""),
            party=said.get("party", ""),
            group=said.get("state", ""),
            since=midnight(said.get("since")),
            until=midnight(said.get("until"), days=1),
            created_by=said.get("agent"),
            category=said.get("category", ""),
            outcome=said.get("outcome", ""),
            sentiment=said.get("sentiment", ""),
            min_duration_s=_seconds(said.get("min_minutes")),
            max_duration_s=_seconds(said.get("max_minutes")),
            open_actions=said.get("open_actions"),
            tag=said.get("tag", ""),
            **{name: said.get(name, "") for name in ("phone", "external_id", "direction")},
        )

    def folded(self) -> list[forms.BoundField]:
        """Return the fields that the page folds away."""
        return [self[name] for name in self._folded_names()]

    def folded_count(self) -> int:
        """Return how many of the folded fields narrow the list."""
        return sum(self.cleaned_data.get(name) not in ("", None) for name in self._folded_names())

    def _folded_names(self) -> list[str]:
        return [name for name in self.fields if name not in ("q", "state")]

    def query(self) -> str:
        """Return the filter as a query string for links to other pages of the list."""
        query = QueryDict(mutable=True)
        for name in self.fields:
            value = self.data.get(name, "")
            if name in self.cleaned_data and value:
                query[name] = value
        return query.urlencode()


def moment_of(text: str) -> datetime | None:
    """Return the moment that `text` names with its time zone, None when it names none."""
    try:
        moment = parse_datetime(text)
        return moment.astimezone(UTC) if moment is not None and timezone.is_aware(moment) else None
    except (ValueError, OverflowError):
        return None


def _seconds(minutes: float | None) -> float | None:
    return None if minutes is None else minutes * 60
