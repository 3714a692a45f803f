"""The decoding child process: one recording in, WAV tracks and a listening copy out, facts as JSON on stdout.

Asked only to look, it reads as far as the first sound and writes nothing.

Started by `workers.engines.media` with resource limits and an empty private folder as its working directory.
"""

import json
import sys
import wave
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt

RATE_HZ = 16_000
MAX_CHANNELS = 8
PEAKS_PER_S = 10
MAX_PEAKS = 1200
# Nothing in this list opens other files: no playlists, no concatenation, no image sequences.
FORMATS = "wav,w64,mp3,mov,mp4,m4a,3gp,3g2,mj2,ogg,flac,matroska,webm,amr,amrnb,amrwb,aac,au,aiff,caf,asf,g722,gsm"
RAW_SUFFIXES = {".ul", ".ulaw", ".mulaw", ".ulw", ".al", ".alaw", ".raw", ".pcm", ".g711", ".vox", ".sln"}
RAW_FORMATS = {"mulaw": "mulaw", "alaw": "alaw", "pcm_s16le": "s16le"}
# Two channels whose difference is below this share of their level carry the same sound: a mono call.
SAME_CHANNEL_SHARE = 0.02

Samples = npt.NDArray[np.int16]


class Refusal(Exception):
    """The recording cannot be used, for a reason with a code."""

    permanent = True

    def __init__(self, code: str, **values: object) -> None:
        super().__init__(code)
        self.code, self.values = code, values


@dataclass
class Tracks:
    """The growing result: one WAV a channel, the listening copy, the level of each channel."""

    channels: int
    writers: list[wave.Wave_write] = field(default_factory=list)
    peaks: list[list[int]] = field(default_factory=list)
    samples: int = 0
    level: float = 0.0
    difference: float = 0.0

    def add(self, block_CN: Samples) -> None:
        """Append a block of shape (channels, samples)."""
        for writer, row in zip(self.writers, block_CN, strict=True):
            writer.writeframes(row.tobytes())
        self.samples += block_CN.shape[1]
        wide = block_CN.astype(np.float32)
        self.level += float(np.abs(wide).sum())
        if self.channels == 2:
            self.difference += float(np.abs(wide[0] - wide[1]).sum())


def main(request: dict[str, Any]) -> dict[str, Any]:
    """Decode as `request` says and return the facts, or the code of the refusal."""
    try:
        with _open(request) as container:
            return _look(container, request) if request["look"] else _decode(container, request)
    except Refusal as refusal:
        return {"error": refusal.code, "values": refusal.values}
    except MemoryError:
        return {"error": "decode_limit", "values": {}}


def _open(request: dict[str, Any]) -> Any:
    source = request["source"]
    options = {"protocol_whitelist": "file", "format_whitelist": FORMATS}
    if request["codec"]:
        if not request["rate_hz"]:
            raise Refusal("headerless")
        raw = RAW_FORMATS[request["codec"]]
        options |= {"format_whitelist": raw, "sample_rate": str(request["rate_hz"]), "ch_layout": "mono"}
        return av.open(source, format=raw, options=options)
    try:
        return av.open(source, options=options)
    except (av.FFmpegError, ValueError) as error:
        raise Refusal(_why_unreadable(Path(source), request["file_name"])) from error


def _why_unreadable(source: Path, file_name: str) -> str:
    head = source.read_bytes()[:64] if source.stat().st_size < 1 << 20 else source.open("rb").read(64)
    if not head:
        return "empty_file"
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        zero_channels = head[12:16] == b"fmt " and len(head) >= 24 and head[22:24] == b"\0\0"
        return "no_channels" if zero_channels else "truncated"
    if head[4:8] == b"ftyp" or head[:4] in (b"OggS", b"fLaC", b"\x1aE\xdf\xa3"):
        return "truncated"
    return "headerless" if Path(file_name).suffix.lower() in RAW_SUFFIXES else "not_audio"


def _look(container: Any, request: dict[str, Any]) -> dict[str, Any]:
    next(_frames(container, _stream(container, request["max_minutes"])))
    return {}


def _decode(container: Any, request: dict[str, Any]) -> dict[str, Any]:
    limit_minutes = request["max_minutes"]
    stream = _stream(container, limit_minutes)
    channels = int(stream.codec_context.channels)
    tracks = _write_tracks(container, stream, 2 if channels == 2 else 1, limit_minutes)
    return _facts(tracks, stream, channels, request)


def _stream(container: Any, limit_minutes: int) -> Any:
    if not container.streams.audio:
        raise Refusal("no_audio_track")
    stream = container.streams.audio[0]
    if container.duration and container.duration / 1e6 > limit_minutes * 60:
        raise Refusal("too_long", minutes=round(container.duration / 6e7), limit_minutes=limit_minutes)
    if not stream.codec_context or not stream.codec_context.channels:
        raise Refusal("no_channels")
    channels = int(stream.codec_context.channels)
    if channels > MAX_CHANNELS:
        raise Refusal("too_many_channels", channels=channels, limit=MAX_CHANNELS)
    return stream


def _write_tracks(container: Any, stream: Any, channels: int, limit_minutes: int) -> Tracks:
    tracks = Tracks(channels)
    listen = av.open("listen.ogg", "w", format="ogg")
    encoder = listen.add_stream("libopus", rate=RATE_HZ, layout="stereo" if channels == 2 else "mono")
    encoder.bit_rate = 24_000 * channels
    for channel in range(channels):
        writer = wave.open(f"ch{channel}.wav", "wb")  # noqa: SIM115  (closed below, with its siblings)
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(RATE_HZ)
        tracks.writers.append(writer)
    resampler = av.AudioResampler(format="s16", layout="stereo" if channels == 2 else "mono", rate=RATE_HZ)
    for frame in _frames(container, stream):
        for part in resampler.resample(frame):
            block_CN = np.ascontiguousarray(part.to_ndarray().reshape(-1, channels).T)
            tracks.add(block_CN)
            tracks.peaks.append(_block_peaks(block_CN))
            part.pts = None
            listen.mux(encoder.encode(part))
        if tracks.samples > limit_minutes * 60 * RATE_HZ:
            raise Refusal("too_long", minutes=f"> {limit_minutes}", limit_minutes=limit_minutes)
    listen.mux(encoder.encode(None))
    listen.close()
    for writer in tracks.writers:
        writer.close()
    return tracks


def _frames(container: Any, stream: Any) -> Iterator[Any]:
    """Yield decoded frames and a final None; skip broken packets, refuse a file that has nothing else."""
    good, broken = 0, 0
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets)
            frames = packet.decode()
        except StopIteration:
            break
        except av.FFmpegError:
            broken += 1
            if broken > 100 + good:
                break
            continue
        for frame in frames:
            if frame.format.name.startswith(("flt", "dbl")) and not np.isfinite(frame.to_ndarray()).all():
                raise Refusal("bad_samples")
            good += 1
            yield frame
    if good == 0 or broken > good:
        raise Refusal("not_audio" if good else "truncated")
    yield None


def _block_peaks(block_CN: Samples) -> list[int]:
    return [int(np.abs(row.astype(np.int32)).max(initial=0)) for row in block_CN]


def _facts(tracks: Tracks, stream: Any, channels: int, request: dict[str, Any]) -> dict[str, Any]:
    duration_s = tracks.samples / RATE_HZ
    if tracks.samples == 0:
        raise Refusal("truncated")
    same = tracks.channels == 2 and tracks.difference <= SAME_CHANNEL_SHARE * tracks.level
    names = ["ch0.wav"] if tracks.channels == 1 or same else ["ch0.wav", "ch1.wav"]
    return {
        "duration_s": round(duration_s, 3),
        "channels": channels,
        "sample_rate_hz": int(stream.codec_context.sample_rate),
        "codec": stream.codec_context.name,
        "tracks": names,
        "peaks": _reduce_peaks(tracks.peaks, duration_s),
        "notices": ["cut_short"] if _cut_short(Path(request["source"])) else [],
    }


def _reduce_peaks(blocks: list[list[int]], duration_s: float) -> list[list[float]]:
    """Return the loudest sample (0 to 1) of each of at most MAX_PEAKS slices, a list a channel."""
    count = max(1, min(MAX_PEAKS, int(duration_s * PEAKS_PER_S), len(blocks)))
    edges = np.linspace(0, len(blocks), count + 1).astype(int)
    array_BC = np.array(blocks)
    slices = [array_BC[start : max(stop, start + 1)].max(axis=0) for start, stop in pairwise(edges)]
    return [[round(float(peak) / 32768, 3) for peak in channel] for channel in np.array(slices).T]


def _cut_short(source: Path) -> bool:
    """Tell whether a WAV file ends before its header says, as when a transfer broke off."""
    with source.open("rb") as file:
        head = file.read(1 << 16)
    at = head.find(b"data")
    if head[:4] != b"RIFF" or at < 0:
        return False
    size = int.from_bytes(head[at + 4 : at + 8], "little")
    return 0 < size < 0xFFFFFFFF and at + 8 + size > source.stat().st_size + 1


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(json.loads(sys.argv[1]))))
