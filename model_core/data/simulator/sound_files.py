"""Sound files as telephone systems write them: G.711 mu-law and A-law WAV, PCM WAV, Opus. Knows bytes, not calls."""

import struct
import wave
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from model_core.data.simulator.errors import DataError
from model_core.data.simulator.line import g711_encode

Samples = npt.NDArray[np.float32]

FORMATS = {"mulaw": ".wav", "alaw": ".wav", "pcm": ".wav", "opus": ".opus"}
# Registered format tags of RFC 2361.
_TAGS = {"alaw": 6, "mulaw": 7}
OPUS_BITRATE = 24_000


def write_sound(path: Path, samples: Samples, rate_hz: int, kind: str) -> None:
    """Write (n, channels) float32 in -1 to 1 at `rate_hz` as `kind`, one of FORMATS.

    Raises DataError for an unknown kind or a shape that is not (n, 1) or (n, 2).
    """
    if samples.ndim != 2 or samples.shape[1] not in (1, 2):
        raise DataError(f"sound has shape {samples.shape}; (n, 1) or (n, 2) is wanted")
    if kind in _TAGS:
        path.write_bytes(_g711_wave(samples, rate_hz, kind))
    elif kind == "pcm":
        _write_pcm(path, samples, rate_hz)
    elif kind == "opus":
        _write_opus(path, samples, rate_hz)
    else:
        raise DataError(f"sound format {kind!r} is none of {', '.join(FORMATS)}")


def _g711_wave(samples: Samples, rate_hz: int, law: str) -> bytes:
    codes = g711_encode(samples.reshape(-1), law).tobytes()
    channels = samples.shape[1]
    layout = struct.pack("<HHIIHHH", _TAGS[law], channels, rate_hz, rate_hz * channels, channels, 8, 0)
    body = b"WAVE" + b"fmt " + struct.pack("<I", len(layout)) + layout
    body += b"fact" + struct.pack("<II", 4, samples.shape[0])
    body += b"data" + struct.pack("<I", len(codes)) + codes + b"\0" * (len(codes) % 2)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _pcm(samples: Samples) -> npt.NDArray[np.int16]:
    return np.clip(np.round(samples * 32768.0), -32768, 32767).astype("<i2")


def _write_pcm(path: Path, samples: Samples, rate_hz: int) -> None:
    with wave.open(str(path), "wb") as writer:
        writer.setnchannels(samples.shape[1])
        writer.setsampwidth(2)
        writer.setframerate(rate_hz)
        writer.writeframes(_pcm(samples).tobytes())


def _write_opus(path: Path, samples: Samples, rate_hz: int) -> None:
    layout = "stereo" if samples.shape[1] == 2 else "mono"
    with av.open(str(path), "w", format="ogg") as container:
        stream = container.add_stream("libopus", rate=rate_hz, layout=layout)
        stream.bit_rate = OPUS_BITRATE * samples.shape[1]
        frame = av.AudioFrame.from_ndarray(_pcm(samples).reshape(1, -1), format="s16", layout=layout)
        frame.sample_rate, frame.time_base, frame.pts = rate_hz, Fraction(1, rate_hz), 0
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
