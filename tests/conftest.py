"""Settings shared by all tests: a data folder of their own, and fixtures for two organizations."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("YOYAK_DATA_DIR", tempfile.mkdtemp(prefix="yoyak-test-"))
os.environ.setdefault("YOYAK_LOG_LEVEL", "WARNING")

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
