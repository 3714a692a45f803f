"""What is kept of an API token. Knows no database."""

from hashlib import sha256


def token_digest(token: str) -> str:
    """Return what is kept of a token. It is random and long, so a plain hash is enough."""
    return sha256(token.encode()).hexdigest()
