"""Decoding: what is accepted, and a clear code for everything that cannot be used."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.workers import recordings as made
from workers.engines.audio import read_wav
from workers.engines.errors import MediaError
from workers.engines.media import Declared, decode

NO_DECLARATION = Declared()
ROOT = Path(__file__).resolve().parents[2]


def _decode(source: Path, tmp_path: Path, declared: Declared = NO_DECLARATION, name: str = "") -> dict[str, object]:
    target = tmp_path / "decoded"
    target.mkdir(exist_ok=True)
    return decode(source, target, file_name=name or source.name, declared=declared, max_minutes=10)


def test_two_parties_become_two_tracks(tmp_path: Path) -> None:
    source = made.write_wav(tmp_path / "a.wav", [made.tone(2, hz=300), made.tone(2, hz=700)])
    facts = _decode(source, tmp_path)
    assert facts["tracks"] == ["ch0.wav", "ch1.wav"]
    assert facts["duration_s"] == pytest.approx(2, abs=0.05)
    assert (facts["channels"], facts["sample_rate_hz"], facts["notices"]) == (2, 8000, [])
    for name, hz in (("ch0.wav", 300), ("ch1.wav", 700)):
        samples = read_wav(tmp_path / "decoded" / name)
        loudest = np.fft.rfftfreq(samples.size, 1 / 16_000)[np.abs(np.fft.rfft(samples)).argmax()]
        assert loudest == pytest.approx(hz, abs=2)


def test_the_same_sound_on_both_channels_is_mono(tmp_path: Path) -> None:
    voice = made.tone(1)
    facts = _decode(made.write_wav(tmp_path / "a.wav", [voice, voice]), tmp_path)
    assert facts["tracks"] == ["ch0.wav"]


@pytest.mark.parametrize(
    ("suffix", "codec", "rate_hz"),
    [
        ("wav", "pcm_mulaw", 8000),
        ("wav", "pcm_alaw", 8000),
        ("wav", "adpcm_ima_wav", 8000),
        ("flac", "flac", 16000),
        ("ogg", "libopus", 48000),
        ("mp3", "libmp3lame", 44100),
        ("m4a", "aac", 44100),
        ("webm", "libopus", 48000),
    ],
)
def test_formats_of_the_field(tmp_path: Path, suffix: str, codec: str, rate_hz: int) -> None:
    facts = _decode(made.encode(tmp_path / f"a.{suffix}", codec, 1.5, rate_hz=rate_hz), tmp_path)
    assert facts["duration_s"] == pytest.approx(1.5, abs=0.1)
    peaks = facts["peaks"]
    assert isinstance(peaks, list) and 0.2 < max(peaks[0]) < 0.5


def test_a_file_without_header_needs_its_codec_and_rate(tmp_path: Path) -> None:
    source = tmp_path / "a.ulaw"
    source.write_bytes(bytes([0xFF, 0x7F, 0x20, 0xA0] * 4000))
    with pytest.raises(MediaError) as error:
        _decode(source, tmp_path)
    assert error.value.code == "headerless"
    facts = _decode(source, tmp_path, Declared("mulaw", 8000))
    assert (facts["duration_s"], facts["sample_rate_hz"]) == (2.0, 8000)


def _half(path: Path) -> Path:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


def _zero_channels(path: Path) -> Path:
    data = bytearray(made.write_wav(path, [made.tone(1)]).read_bytes())
    data[22:24] = b"\0\0"
    path.write_bytes(bytes(data))
    return path


def _write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


BAD: dict[str, tuple[Callable[[Path], Path], str]] = {
    "empty": (lambda d: _write(d / "a.wav", b""), "empty_file"),
    "page": (lambda d: _write(d / "a.wav", b"<html><body>404</body></html>" * 50), "not_audio"),
    "noise": (lambda d: _write(d / "a.mp3", np.random.default_rng(1).bytes(20_000)), "not_audio"),
    "playlist": (lambda d: _write(d / "a.mp3", b"ffconcat version 1.0\nfile secret.wav\n"), "not_audio"),
    "film": (lambda d: made.silent_video(d / "a.mp4"), "no_audio_track"),
    "nan": (lambda d: made.float_wav_with_nan(d / "a.wav"), "bad_samples"),
    "no channels": (lambda d: _zero_channels(d / "a.wav"), "no_channels"),
    "header only": (
        lambda d: _write(d / "a.wav", made.write_wav(d / "b.wav", [made.tone(1)]).read_bytes()[:30]),
        "truncated",
    ),
    "half an m4a": (lambda d: _half(made.encode(d / "a.m4a", "aac", 3, rate_hz=44100)), "truncated"),
    "long": (lambda d: made.encode(d / "a.flac", "flac", 660, silent=True), "too_long"),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_files_have_a_reason(tmp_path: Path, kind: str) -> None:
    make, code = BAD[kind]
    made.write_wav(tmp_path / "secret.wav", [made.tone(1)])
    with pytest.raises(MediaError) as error:
        _decode(make(tmp_path), tmp_path)
    assert error.value.code == code
    assert error.value.permanent
    assert list((tmp_path / "decoded").iterdir()) == [], "nothing half-made is left"


def test_a_recording_that_breaks_off_keeps_what_is_there(tmp_path: Path) -> None:
    source = _half(made.write_wav(tmp_path / "a.wav", [made.tone(4)]))
    facts = _decode(source, tmp_path)
    assert facts["duration_s"] == pytest.approx(2, abs=0.05)
    assert facts["notices"] == ["cut_short"]


def _refusal(source: Path, tmp_path: Path) -> tuple[str, int]:
    """Return the code and the memory of the largest child, from a process that has decoded nothing else."""
    program = (
        "import resource, sys; from pathlib import Path; from workers.engines.errors import MediaError\n"
        "from workers.engines.media import Declared, decode\n"
        "try: decode(Path(sys.argv[1]), Path(sys.argv[2]), file_name='a', declared=Declared(), max_minutes=10)\n"
        "except MediaError as error: print(error.code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    target = tmp_path / "decoded"
    target.mkdir(exist_ok=True)
    command = [sys.executable, "-c", program, str(source), str(target)]
    answer = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    code, largest_kb = answer.stdout.split()
    return code, int(largest_kb)


@pytest.mark.slow
def test_a_day_of_silence_is_refused_in_little_memory(tmp_path: Path) -> None:
    source = made.encode(tmp_path / "day.flac", "flac", 24 * 3600, silent=True)
    streamed = tmp_path / "streamed.flac"
    content = bytearray(source.read_bytes())
    content[18 + 3 : 26] = bytes([content[21] & 0xF0, 0, 0, 0, 0])  # the number of samples: unknown, as in a stream
    streamed.write_bytes(bytes(content))
    for path in (source, streamed):
        code, largest_kb = _refusal(path, tmp_path)
        assert code == "too_long"
        assert largest_kb < 1_000_000


def test_the_child_cannot_take_the_machine(tmp_path: Path) -> None:
    greedy = "import resource, sys; sys.path.insert(0, {root!r})\nfrom workers.engines import media\n"
    greedy += "media._limit(5)\nblocks = []\nwhile True: blocks.append(bytearray(50_000_000))"
    root = str(Path(__file__).resolve().parent.parent.parent)
    answer = subprocess.run(
        [sys.executable, "-c", greedy.format(root=root)], capture_output=True, text=True, env=dict(os.environ)
    )
    assert answer.returncode != 0 and "MemoryError" in answer.stderr
