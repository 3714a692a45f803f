"""What an organization asks of its summaries: sections and their order, lengths, tone, language, fields of its own.

A template shows and asks; it never removes anything from what is kept. Pydantic models, frozen. Knows no model and
no database.
"""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from workers.contracts.lines import ONE_LINE, STRIPPED

Section = Literal["one_line", "kinds", "fields", "actions", "decisions", "topics"]
Tone = Literal["", "notes", "formal", "polite"]
Language = Literal["", "ko", "en"]
FieldType = Literal["address", "appointment", "date", "time", "money", "phone", "name", "count", "duration", "car"]

SECTIONS: tuple[Section, ...] = ("one_line", "kinds", "fields", "actions", "decisions", "topics")
MAX_FIELDS = 20
MAX_CLUES = 8
MAX_ITEMS = 50
MAX_LABEL = 40

Short = Annotated[str, Field(min_length=1, max_length=MAX_LABEL, pattern=ONE_LINE), STRIPPED]
Limit = Annotated[int, Field(ge=1, le=MAX_ITEMS)] | None


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CustomField(_Frozen):
    """A field that is filled from the transcript with a value of its type.

    With `clues` only a line that holds one of these words counts, or the other party's line right after it.
    """

    label: Short
    type: FieldType
    clues: Annotated[tuple[Short, ...], Field(max_length=MAX_CLUES)] = ()


class Limits(_Frozen):
    """How many items are shown at most; None shows all. `points` counts for each topic."""

    topics: Limit = None
    points: Limit = None
    actions: Limit = None
    decisions: Limit = None


class TemplateSpec(_Frozen):
    """One version of a template. An empty tone or language leaves it to the model and to the call."""

    sections: Annotated[tuple[Section, ...], Field(min_length=1)] = SECTIONS
    limits: Limits = Limits()
    tone: Tone = ""
    language: Language = ""
    fields: Annotated[tuple[CustomField, ...], Field(max_length=MAX_FIELDS)] = ()

    @model_validator(mode="after")
    def _once_each(self) -> Self:
        for name, items in (("section", self.sections), ("label", tuple(field.label for field in self.fields))):
            doubled = sorted({item for item in items if items.count(item) > 1})
            if doubled:
                raise ValueError(f"{name} {doubled[0]!r} stands {items.count(doubled[0])} times; once is allowed")
        return self

    @property
    def asks_model(self) -> bool:
        """Tell whether there is anything that only a model which follows instructions can do."""
        return bool(self.tone or self.language)


class FilledField(_Frozen):
    """A custom field with what was said: its spelling, its reading and the line. Empty when nothing was said."""

    label: str
    type: FieldType
    text: str = ""
    normalized: str = ""
    evidence: tuple[int, ...] = ()


class ChosenTemplate(_Frozen):
    """The version of a template that a job works with."""

    version_id: str
    spec: TemplateSpec
