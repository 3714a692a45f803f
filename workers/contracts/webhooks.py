"""How a try to deliver a webhook ended, as the sender tells the one who keeps the log."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Answer:
    """`status` is what the receiver answered, None when it did not; `error` is empty on success.

    Errors: "private_address", "name" (it does not resolve), "unreachable", "tls", "timeout", "malformed", "redirect",
    "status".
    """

    status: int | None
    error: str
    elapsed_s: float
