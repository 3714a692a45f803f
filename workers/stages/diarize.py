"""Third stage: who spoke. A channel is a party already; on a mono recording the two voices are told apart.

A failure here never costs the transcript: the turns then keep the party they had.
"""

import logging

from workers.contracts.payloads import segments_from, segments_payload
from workers.contracts.work import Payload, Stage, StageContext
from workers.engines.audio import read_wav
from workers.engines.diarize import assign_parties

logger = logging.getLogger(__name__)


def run(context: StageContext) -> Payload:
    """Give every turn of a mono recording its party."""
    segments = segments_from(context.results["transcribe"])
    tracks = context.results["probe"]["tracks"]
    if len(tracks) == 1:
        try:
            segments = assign_parties(segments, read_wav(context.folder / tracks[0]))
        except Exception:
            logger.exception("call %s: the voices could not be told apart", context.call_id)
    return {"segments": segments_payload(segments)}


STAGE = Stage("diarize", lambda _: "two-voices-2", lambda context: context.results["transcribe"], run)
