"""Segments to kept JSON and back."""

from dataclasses import asdict
from typing import Any

from workers.contracts.transcript import Segment, Word


def segments_payload(segments: list[Segment]) -> list[dict[str, Any]]:
    """Return `segments` as JSON-ready dictionaries."""
    return [asdict(segment) for segment in segments]


def segments_from(payload: dict[str, Any]) -> list[Segment]:
    """Return the segments kept under `segments` in a stage's payload."""
    return [Segment(**(row | {"words": tuple(Word(**word) for word in row["words"])})) for row in payload["segments"]]
