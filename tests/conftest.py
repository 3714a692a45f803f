"""Fixtures shared by all tests: two organizations, a media folder of their own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.people import TwoHouses, make_two_houses


@pytest.fixture
def houses(db: None) -> TwoHouses:
    """Two organizations with an agent, a reviewer and an admin each."""
    return make_two_houses()


@pytest.fixture(autouse=True)
def _media(settings: object, tmp_path: Path) -> Iterator[None]:
    """Give each test its own media folder, and passwords that hash quickly."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # type: ignore[attr-defined]
    settings.MEDIA_ROOT = tmp_path / "media"  # type: ignore[attr-defined]
    yield
