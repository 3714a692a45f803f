"""The secret key: made once, and nothing else is left beside it."""

from pathlib import Path

from config.secret import secret_key


def test_every_start_reads_the_same_key_and_leaves_no_other_file(tmp_path: Path) -> None:
    path = tmp_path / "data" / "secret-key"
    first = secret_key(path)
    assert secret_key(path) == first and len(first) > 50
    assert list(path.parent.iterdir()) == [path]
    assert path.stat().st_mode & 0o777 == 0o600
