"""Text of one line, as people type it into a field. Knows nothing of what it is for."""


def one_line(text: str) -> str:
    """Return `text` with single spaces; the character NUL, which PostgreSQL refuses, is one of them."""
    return " ".join(text.replace("\0", " ").split())
