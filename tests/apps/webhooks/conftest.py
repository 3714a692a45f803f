"""An installation inside a company network, where webhooks may go to this machine, and a receiver there."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.apps.webhooks.receiver import Receiver, receiving


@pytest.fixture
def inside(settings: Any) -> None:
    """Allow private addresses."""
    settings.ENV = settings.ENV.model_copy(update={"webhooks_allow_private": True})


@pytest.fixture
def receiver(inside: None) -> Iterator[Receiver]:
    """A receiver that can be reached."""
    with receiving() as running:
        yield running
