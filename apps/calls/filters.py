"""What somebody looks for among the calls, typed once for the page, the API and the exports."""

import uuid
from dataclasses import dataclass, fields
from datetime import datetime


@dataclass(frozen=True)
class CallFilter:
    """A filter of calls; an empty field narrows nothing.

    `group` is active, done, failed or cancelled. `since` is included, `until` is not; both are of when people spoke.
    `party` narrows `text` to what "A", or with "B" everybody else, said; without a text to calls in which they said
    anything. Lengths are seconds. `tag` is the name of a tag. `phone` is a stretch of the customer's number in any
    spelling, `external_id` the whole name of the call in the other system, `direction` inbound or outbound.
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
    phone: str = ""
    external_id: str = ""
    direction: str = ""

    @property
    def narrows(self) -> bool:
        """Tell whether anything is asked for."""
        return any(getattr(self, field.name) not in ("", None) for field in fields(self))


def digits_of(phone: str) -> str:
    """Return the digits of a telephone number, whatever stands between them."""
    return "".join(c for c in phone if c.isdecimal())
