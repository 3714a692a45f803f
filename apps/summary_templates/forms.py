"""The form in which an administrator writes a template: a place for each section, lengths, and rows of fields.

Everything wrong is said beside the input that holds it; what was typed is kept.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.accounts.models import Team
from apps.summary_templates.labels import FIELD_TYPES, LIMIT_NAMES, SECTION_NAMES, SUMMARY_LANGUAGES, TONES
from workers.contracts.lines import ONE_LINE
from workers.contracts.template import (
    MAX_CLUES,
    MAX_FIELDS,
    MAX_ITEMS,
    MAX_LABEL,
    SECTIONS,
    CustomField,
    Limits,
    TemplateSpec,
)

_BLANK_ROWS = 3


@dataclass(frozen=True)
class FieldInputs:
    """One row of the form: the bound inputs of a custom field."""

    label: forms.BoundField
    type: forms.BoundField
    clues: forms.BoundField


class TemplateForm(forms.Form):
    """A template's name and what it asks, begun with `spec`.

    Tone and language are shown and kept as they are, but cannot be chosen, while the model does not follow (`follows`).
    """

    name = forms.CharField(label=gettext_lazy("템플릿 이름"), max_length=80)
    tone = forms.ChoiceField(label=gettext_lazy("말투"), required=False, choices=list(TONES.items()))
    language = forms.ChoiceField(label=gettext_lazy("언어"), required=False, choices=list(SUMMARY_LANGUAGES.items()))

    def __init__(
        self,
        *args: Any,
        spec: TemplateSpec,
        teams: Iterable[Team] = (),
        name: str = "",
        team: Team | None = None,
        follows: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].initial = name
        known = {str(each.pk): each for each in teams}
        self.fields["team"] = forms.TypedChoiceField(
            label=gettext_lazy("누구의 템플릿"),
            required=False,
            empty_value=None,
            initial=team.pk if team else "",
            choices=[("", gettext_lazy("조직 전체")), *((key, each.name) for key, each in known.items())],
            coerce=known.__getitem__,
        )
        for wish, value in (("tone", spec.tone), ("language", spec.language)):
            self.fields[wish].initial, self.fields[wish].disabled = value, not follows
        choices = [("", gettext_lazy("— 비움 —")), *SECTION_NAMES.items()]
        for place in range(len(SECTIONS)):
            shown = spec.sections[place] if place < len(spec.sections) else ""
            label = _("%(n)s번째 자리") % {"n": place + 1}
            self.fields[f"section-{place}"] = forms.ChoiceField(
                label=label, required=False, choices=choices, initial=shown
            )
        for limit, words in LIMIT_NAMES.items():
            self.fields[f"limit-{limit}"] = forms.IntegerField(
                label=str(words),
                required=False,
                min_value=1,
                max_value=MAX_ITEMS,
                initial=getattr(spec.limits, limit),
                widget=forms.NumberInput({"placeholder": gettext_lazy("제한 없음")}),
            )
        for number in range(MAX_FIELDS):
            self._add_row(number, spec.fields[number] if number < len(spec.fields) else None)

    def _add_row(self, number: int, field: CustomField | None) -> None:
        self.fields[f"field-{number}-label"] = forms.CharField(
            label=_("필드 이름"),
            required=False,
            max_length=MAX_LABEL,
            validators=[RegexValidator(ONE_LINE)],
            initial=field.label if field else "",
        )
        self.fields[f"field-{number}-type"] = forms.ChoiceField(
            label=_("종류"),
            required=False,
            choices=[("", gettext_lazy("고르기")), *FIELD_TYPES.items()],
            initial=field.type if field else "",
        )
        self.fields[f"field-{number}-clues"] = forms.CharField(
            label=_("실마리 말(쉼표로)"),
            required=False,
            max_length=400,
            validators=[RegexValidator(ONE_LINE)],
            initial=", ".join(field.clues) if field else "",
        )

    def places(self) -> list[forms.BoundField]:
        """Return the inputs of the sections in order."""
        return [self[f"section-{place}"] for place in range(len(SECTIONS))]

    def limits(self) -> list[forms.BoundField]:
        """Return the inputs of the lengths."""
        return [self[f"limit-{limit}"] for limit in LIMIT_NAMES]

    def rows(self) -> list[FieldInputs]:
        """Return the rows in use and a few blank ones."""
        names = [[f"field-{number}-{part}" for part in ("label", "type", "clues")] for number in range(MAX_FIELDS)]
        used = [number for number, row in enumerate(names) if any(self[name].value() for name in row)]
        count = min(MAX_FIELDS, (used[-1] + 1 if used else 0) + _BLANK_ROWS)
        return [FieldInputs(*(self[name] for name in row)) for row in names[:count]]

    def clean(self) -> dict[str, Any]:
        """Refuse sections and labels that stand twice, and rows that lack a part."""
        seen: dict[str, str] = {}
        for place in range(len(SECTIONS)):
            self._refuse_twice(f"section-{place}", seen, lambda value: SECTION_NAMES[value])
        if not seen and not self.errors:
            self.add_error("section-0", _("적어도 한 자리에는 보여 줄 것을 골라 주세요."))
        labels: dict[str, str] = {}
        for number in range(MAX_FIELDS):
            self._check_row(number)
            self._refuse_twice(f"field-{number}-label", labels, str)
        return self.cleaned_data

    def _refuse_twice(self, name: str, seen: dict[str, str], words: Any) -> None:
        value = self.cleaned_data.get(name, "")
        if value and value in seen:
            self.add_error(name, _("“%(name)s”: 두 번 있습니다. 한 번만 쓸 수 있습니다.") % {"name": words(value)})
        elif value:
            seen[value] = name

    def _check_row(self, number: int) -> None:
        label, kind, clues = (self.cleaned_data.get(f"field-{number}-{part}") for part in ("label", "type", "clues"))
        if (kind or clues) and label == "":
            self.add_error(f"field-{number}-label", _("필드 이름이 없습니다."))
        if label and kind == "":
            self.add_error(f"field-{number}-type", _("“%(name)s”의 종류를 골라 주세요.") % {"name": label})
        words = clues_of(clues or "")
        if len(words) > MAX_CLUES:
            said = _("실마리 말이 %(n)s개입니다. 한도는 %(limit)s개입니다.") % {"n": len(words), "limit": MAX_CLUES}
            self.add_error(f"field-{number}-clues", said)
        for word in words:
            if len(word) > MAX_LABEL:
                said = _("“%(word)s…”: 너무 깁니다. 한도는 %(limit)s자입니다.")
                self.add_error(f"field-{number}-clues", said % {"word": word[:12], "limit": MAX_LABEL})

    def place(self) -> dict[str, Any]:
        """Return the name and the team of the template; call after `is_valid`."""
        return {name: self.cleaned_data[name] for name in ("name", "team")}

    def spec(self) -> TemplateSpec:
        """Return what the person asks; call after `is_valid`."""
        said = self.cleaned_data
        sections = [said[f"section-{place}"] for place in range(len(SECTIONS)) if said[f"section-{place}"]]
        fields = [
            {
                "label": said[f"field-{n}-label"],
                "type": said[f"field-{n}-type"],
                "clues": clues_of(said[f"field-{n}-clues"]),
            }
            for n in range(MAX_FIELDS)
            if said[f"field-{n}-label"]
        ]
        limits = Limits(**{limit: said[f"limit-{limit}"] for limit in LIMIT_NAMES})
        asked = {"sections": sections, "tone": said["tone"], "language": said["language"], "fields": fields}
        return TemplateSpec.model_validate(asked | {"limits": limits})


def clues_of(text: str) -> tuple[str, ...]:
    """Return the words of a list with commas, each once."""
    words = (" ".join(word.split()) for word in re.split(r"[,，、\n]", text))
    return tuple(dict.fromkeys(word for word in words if word))
