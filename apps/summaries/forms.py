"""The form in which a person corrects a summary: every statement a field, its evidence beside it.

A statement that is left as it was keeps its verification; one that was changed is vouched for by the person.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.summaries.bounds import MAX_CHARS
from apps.summaries.labels import CATEGORIES, OUTCOMES, SENTIMENTS
from workers.contracts.summary import MAX_TITLE_CHARS, ActionItem, CallSummary, Statement, Topic, Value
from workers.contracts.template import FilledField

_EMPTY = Statement(text="")
_NUMBERS = re.compile(r"\d{1,5}", re.ASCII)


@dataclass(frozen=True)
class Row:
    """One statement in the form: its bound fields, and whether it is the blank one for adding."""

    text: forms.BoundField
    evidence: forms.BoundField
    who: forms.BoundField | None = None
    when: forms.BoundField | None = None
    doubtful: bool = False
    blank: bool = False


@dataclass(frozen=True)
class TopicRows:
    title: forms.BoundField
    points: list[Row]


class CorrectionForm(forms.Form):
    """Title, headline, topics with points, actions, decisions and kinds of `base`, each list with one blank to add, and
    the `filled` fields of its template.

    `seen` is the number of the version that was shown when the person began.
    """

    seen = forms.IntegerField(widget=forms.HiddenInput)
    title = forms.CharField(max_length=MAX_TITLE_CHARS)
    category = forms.ChoiceField(choices=list(CATEGORIES.items()))
    outcome = forms.ChoiceField(choices=list(OUTCOMES.items()))
    sentiment = forms.ChoiceField(choices=list(SENTIMENTS.items()))

    def __init__(
        self, *args: Any, base: CallSummary, shown: int, filled: Sequence[FilledField] = (), **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.base, self.filled = base, filled
        self.fields["seen"].initial = shown
        for f, field in enumerate(filled):
            self._add_statement(f"field-{f}", Statement(text=field.text, evidence=field.evidence))
            self.fields[f"field-{f}"].label = field.label
        # A call without any topic still offers one to write in.
        self.topics = [*base.topics, *([] if base.topics else [Topic(title="")])]
        for name in ("title", "category", "outcome", "sentiment"):
            self.fields[name].initial = getattr(base, name)
        self._add_statement("one_line", base.one_line)
        for t, topic in enumerate(self.topics):
            self._add_text(f"topic-{t}", topic.title, rows=0)
            for p, point in enumerate((*topic.points, _EMPTY)):
                self._add_statement(f"point-{t}-{p}", point)
        for d, decision in enumerate((*base.decisions, _EMPTY)):
            self._add_statement(f"decision-{d}", decision)
        for a, action in enumerate((*base.actions, ActionItem(who="", what=""))):
            self._add_statement(f"action-{a}", Statement(text=action.what, evidence=action.evidence))
            self._add_text(f"action-{a}-who", action.who, rows=0)
            self._add_text(f"action-{a}-when", action.when or "", rows=0)

    def _add_text(self, name: str, initial: str, rows: int = 2, hint: str | Promise = "") -> None:
        attributes: dict[str, Any] = {"placeholder": hint} if hint and not initial else {}
        widget: forms.Widget = (
            forms.Textarea(attrs=attributes | {"rows": rows}) if rows else forms.TextInput(attributes)
        )
        self.fields[name] = forms.CharField(required=False, max_length=MAX_CHARS, initial=initial, widget=widget)

    def _add_statement(self, name: str, statement: Statement) -> None:
        self._add_text(name, statement.text, hint=_("더하기"))
        numbers = ", ".join(map(str, statement.evidence))
        self._add_text(f"{name}-evidence", numbers, rows=0, hint=_("줄 번호"))
        self.fields[f"{name}-evidence"].help_text = str(_("근거가 되는 대화 줄 번호"))

    def one_line_row(self) -> Row:
        """Return the row of the headline."""
        return self._row("one_line", self.base.one_line)

    def topic_rows(self) -> list[TopicRows]:
        """Return the rows of the topics, each list of points ending with a blank."""
        return [
            TopicRows(
                self[f"topic-{t}"],
                [self._row(f"point-{t}-{p}", point) for p, point in enumerate((*topic.points, _EMPTY))],
            )
            for t, topic in enumerate(self.topics)
        ]

    def decision_rows(self) -> list[Row]:
        """Return the rows of the decisions and a blank."""
        return [self._row(f"decision-{d}", item) for d, item in enumerate((*self.base.decisions, _EMPTY))]

    def action_rows(self) -> list[Row]:
        """Return the rows of the actions and a blank."""
        rows = []
        for a, action in enumerate((*self.base.actions, ActionItem(who="", what=""))):
            name = f"action-{a}"
            who, when = self[f"{name}-who"], self[f"{name}-when"]
            doubtful, blank = not action.supported, not action.what
            rows.append(Row(self[name], self[f"{name}-evidence"], who, when, doubtful, blank))
        return rows

    def field_rows(self) -> list[Row]:
        """Return the rows of the template's fields."""
        return [Row(self[f"field-{f}"], self[f"field-{f}-evidence"]) for f in range(len(self.filled))]

    def _row(self, name: str, item: Statement) -> Row:
        return Row(self[name], self[f"{name}-evidence"], doubtful=not item.supported, blank=not item.text)

    def corrected(self) -> dict[str, Any]:
        """Return the content the person made of `base`; call after `is_valid`. Emptied statements are gone."""
        topics = []
        for t, topic in enumerate(self.topics):
            points = [self._statement(f"point-{t}-{p}", item) for p, item in enumerate((*topic.points, _EMPTY))]
            kept = tuple(point for point in points if point.text)
            if kept:
                topics.append(Topic(title=self._said(f"topic-{t}") or self._said("title"), points=kept))
        decisions = [self._statement(f"decision-{d}", x) for d, x in enumerate((*self.base.decisions, _EMPTY))]
        blank = ActionItem(who="", what="")
        actions = [self._action(f"action-{a}", x) for a, x in enumerate((*self.base.actions, blank))]
        summary = self.base.model_copy(
            update={
                **{name: self._said(name) for name in ("title", "category", "outcome", "sentiment")},
                "one_line": self._statement("one_line", self.base.one_line),
                "topics": tuple(topics),
                "decisions": tuple(item for item in decisions if item.text),
                "actions": tuple(item for item in actions if item.what),
            }
        )
        return summary.model_copy(update={"unsupported": _unsupported(summary)}).model_dump(mode="json")

    def refilled(self) -> list[FilledField]:
        """Return the template's fields as the person left them; call after `is_valid`."""
        return [self._field(f"field-{f}", field) for f, field in enumerate(self.filled)]

    def _field(self, name: str, before: FilledField) -> FilledField:
        text, evidence = self._said(name), self._numbers(name)
        if text == before.text:
            return before.model_copy(update={"evidence": evidence})
        return before.model_copy(update={"text": text, "normalized": "", "evidence": evidence})

    def _said(self, name: str) -> str:
        return " ".join(str(self.cleaned_data[name]).split())

    def _numbers(self, name: str) -> tuple[int, ...]:
        return tuple(sorted({int(number) for number in _NUMBERS.findall(self._said(f"{name}-evidence"))} - {0}))

    def _statement(self, name: str, before: Statement) -> Statement:
        text, evidence = self._said(name), self._numbers(name)
        if (text, evidence) == (before.text, before.evidence):
            return before
        return Statement(text=text, evidence=evidence, values=_still_there(before.values, text))

    def _action(self, name: str, before: ActionItem) -> ActionItem:
        what, who, when = self._said(name), self._said(f"{name}-who"), self._said(f"{name}-when") or None
        evidence = self._numbers(name)
        if (what, who, when, evidence) == (before.what, before.who, before.when, before.evidence):
            return before
        return ActionItem(who=who, what=what, when=when, evidence=evidence, values=_still_there(before.values, what))


def _still_there(values: tuple[Value, ...], text: str) -> tuple[Value, ...]:
    return tuple(value.model_copy(update={"supported": True}) for value in values if value.text in text)


def _unsupported(summary: CallSummary) -> int:
    statements = [summary.one_line, *summary.decisions, *(point for topic in summary.topics for point in topic.points)]
    return sum(not item.supported for item in statements) + sum(not item.supported for item in summary.actions)
