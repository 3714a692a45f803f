"""What somebody looks for among the calls, typed once for the page, the API and the exports."""

import uuid
from dataclasses import dataclass, fields
from datetime import datetime


@dataclass(frozen=True)
class CallFilter:
    """A filter of calls; an empty field narrows nothing.

    `group` is active, done, failed or cancelled. `since` is included, `until` is not. `party` narrows `text` to what
    "A", or with "B" everybody else, said. Lengths are seconds. `tag` is the name of a tag.
    """

    text: str = ""
    party: str = ""
    group: str = ""
    since: datetime | None = None
    until: datetime | None = None
    created_by: uuid.UUID | None = None
    category: str = ""
    outcome: str = ""
    sentiment: str = ""
    min_duration_s: float | None = None
    max_duration_s: float | None = None
    open_actions: bool | None = None
    tag: str = ""

    @property
    def narrows(self) -> bool:
        """Tell whether anything is asked for."""
        return any(getattr(self, field.name) not in ("", None) for field in fields(self))
