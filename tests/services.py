"""Find the real servers on this machine. A missing one skips its tests, or fails them when it is required."""

import os
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import psycopg
import pytest

POSTGRES = os.environ.get("TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/postgres")
REDIS = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/15")
RABBITMQ = os.environ.get("TEST_RABBITMQ_URL", "amqp://guest:guest@127.0.0.1:5672//")


def need(name: str, url: str) -> str:
    """Return `url` when its server answers; otherwise skip, or fail under ``YOYAK_REQUIRE_SERVICES``."""
    parts = urlsplit(url)
    try:
        socket.create_connection((parts.hostname or "", parts.port or 0), timeout=2).close()
    except OSError as error:
        message = f"{name} does not answer at {parts.hostname}:{parts.port} ({error})"
        if os.environ.get("YOYAK_REQUIRE_SERVICES", "").lower() in ("1", "true", "yes"):
            pytest.fail(message)
        pytest.skip(message)
    return url


@contextmanager
def fresh_postgres() -> Iterator[str]:
    """Yield the URL of a new PostgreSQL database that is dropped afterwards."""
    server = need("PostgreSQL", POSTGRES)
    name = f"yoyak_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        try:
            yield server.rsplit("/", 1)[0] + f"/{name}"
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
