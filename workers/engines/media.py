"""Decode a recording in a disposable subprocess with limits on memory, CPU, time and file size.

The child (`workers.engines.decode`) writes 16 kHz mono WAV files, a copy to listen to and its peaks into a private
folder. The bytes of a stranger are never parsed in a worker.
"""

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workers.engines.errors import MediaError

_MEMORY_BYTES = 1 << 30
_FILE_BYTES = 4 << 30
_SECONDS_FLOOR = 60
_SECONDS_PER_MINUTE = 3  # decoding runs at far more than 20 times real time


@dataclass(frozen=True)
class Declared:
    """How to read a file without a header: FFmpeg's name of the codec and the rate in Hz."""

    codec: str = ""
    rate_hz: int | None = None


def decode(source: Path, target: Path, *, file_name: str, declared: Declared, max_minutes: int) -> dict[str, Any]:
    """Decode `source` into `target`: ``ch0.wav`` (and ``ch1.wav``), ``listen.ogg``.

    Returns the facts: duration_s, channels, sample_rate_hz, codec, tracks (party a track), peaks, notices.

    Raises:
        MediaError: the file cannot be used; the code tells why.
    """
    with tempfile.TemporaryDirectory(dir=target, prefix="decode-") as private:
        facts = _run_child(_request(source, file_name, declared, max_minutes), Path(private))
        for name in [*facts["tracks"], "listen.ogg"]:
            shutil.move(Path(private) / name, target / name)
    return facts


def look(source: Path, *, file_name: str, declared: Declared, max_minutes: int) -> None:
    """Look whether `source` is a recording that `decode` would read, as far as its first sound.

    Raises:
        MediaError: the file cannot be used; the code tells why.
    """
    request = _request(source, file_name, declared, max_minutes) | {"look": True}
    with tempfile.TemporaryDirectory(prefix="yoyak-look-") as private:
        _run_child(request, Path(private))


def _request(source: Path, file_name: str, declared: Declared, max_minutes: int) -> dict[str, Any]:
    return {
        "source": str(source.resolve()),
        "file_name": file_name,
        "codec": declared.codec,
        "rate_hz": declared.rate_hz,
        "max_minutes": max_minutes,
        "look": False,
    }


def _run_child(request: dict[str, Any], private: Path) -> dict[str, Any]:
    seconds = _SECONDS_FLOOR + _SECONDS_PER_MINUTE * request["max_minutes"]
    root = Path(__file__).resolve().parent.parent.parent
    try:
        child = subprocess.run(
            [sys.executable, "-m", "workers.engines.decode", json.dumps(request)],
            cwd=private,
            env={"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(root), "OPENBLAS_NUM_THREADS": "1"},
            capture_output=True,
            timeout=seconds,
            preexec_fn=lambda: _limit(seconds),
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise MediaError("decode_limit") from error
    try:
        answer: dict[str, Any] = json.loads(child.stdout)
    except ValueError as error:
        raise MediaError("decode_limit") from error
    if "error" in answer:
        raise MediaError(answer["error"], **answer["values"])
    return answer


def _limit(seconds: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_FSIZE, (_FILE_BYTES, _FILE_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
