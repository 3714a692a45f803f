"""The typed call summary that crosses every border: model to queue, database to page, API to program.

Pydantic models, frozen. Evidence is the 1-based numbers of transcript segments. Knows no model and no database.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from workers.contracts.lines import ONE_LINE, STRIPPED

MAX_TITLE_CHARS = 200
Category = Literal[
    "telecom",
    "delivery",
    "finance",
    "insurance",
    "hospital",
    "restaurant",
    "appliance",
    "factory",
    "realestate",
    "education",
    "travel",
    "public",
    "car",
    "family",
    "work",
    "shopping",
    "other",
]
Outcome = Literal["resolved", "scheduled", "pending", "escalated", "callback", "refused", "informed", "unknown"]
Sentiment = Literal["positive", "neutral", "negative"]
Method = Literal["model", "extractive", "empty"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Value(_Frozen):
    """A figure, date, time, amount, phone number or name that a statement shows.

    `text` is the spelling in the statement, `normalized` the reading shown beside it ("54,000원"), and
    `supported` whether the cited segments say it.
    """

    text: str
    kind: str
    normalized: str = ""
    supported: bool = True


class Statement(_Frozen):
    """One thing the summary says, with the segments it rests on."""

    text: str
    evidence: tuple[int, ...] = ()
    values: tuple[Value, ...] = ()
    supported: bool = True


class Topic(_Frozen):
    title: str
    points: tuple[Statement, ...] = ()


class ActionItem(_Frozen):
    who: str
    what: str
    when: str | None = None
    evidence: tuple[int, ...] = ()
    values: tuple[Value, ...] = ()
    supported: bool = True


class CallSummary(_Frozen):
    """What a call was about. `unsupported` counts the statements that verification could not confirm."""

    title: str
    one_line: Statement
    topics: tuple[Topic, ...] = ()
    actions: tuple[ActionItem, ...] = ()
    decisions: tuple[Statement, ...] = ()
    category: Category = "other"
    outcome: Outcome = "unknown"
    sentiment: Sentiment = "neutral"
    method: Method = "model"
    unsupported: int = Field(default=0, ge=0)


class CorrectedSummary(CallSummary):
    """A summary as a person or a program wrote it: its title is the name of the call in every list, so there is one."""

    title: Annotated[str, Field(min_length=1, max_length=MAX_TITLE_CHARS, pattern=ONE_LINE), STRIPPED]
