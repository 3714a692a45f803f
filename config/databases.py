"""Turn DATABASE_URL into Django's database settings: SQLite beside the data, or PostgreSQL."""

from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from config.env import ConfigError


def database(url: str, data_dir: Path) -> dict[str, Any]:
    """Return Django's settings for `url`; without one, SQLite in WAL mode in `data_dir`.

    Raises:
        ConfigError: the scheme is neither postgres nor postgresql.
    """
    if not url:
        return _sqlite(data_dir / "yoyak.sqlite3")
    parts = urlsplit(url)
    if parts.scheme not in ("postgres", "postgresql"):
        raise ConfigError(f"DATABASE_URL has the scheme {parts.scheme!r}; it must be postgresql")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
        "OPTIONS": dict(parse_qsl(parts.query)),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    }


def _sqlite(path: Path) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": path,
        "OPTIONS": {
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;",
        },
        # A file, not memory: live-server and worker processes of a test must see the same rows.
        "TEST": {"NAME": path.with_name("test-" + path.name)},
    }
