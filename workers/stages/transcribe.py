"""Second stage: what was said, by WhisperX, a pass for each channel."""

from django.conf import settings

from workers.contracts.errors import StageError
from workers.contracts.payloads import segments_payload
from workers.contracts.work import Payload, Stage, StageContext
from workers.engines.asr import AsrSettings, load_recognizer
from workers.engines.versions import folder_version

# Below this mean confidence the call is in a language, or over a line, that the model does not know.
# The shipped model: 0.35 on English, 0.61 to 0.69 on the sample calls.
MIN_MEAN_CONFIDENCE = 0.45


def run(context: StageContext) -> Payload:
    """Transcribe the tracks of the probe."""
    tracks = [context.folder / name for name in context.results["probe"]["tracks"]]
    missing = [track.name for track in tracks if not track.is_file()]
    if missing:
        raise StageError("recording_missing")
    segments = load_recognizer(_settings()).transcribe(tracks, context.check_in)
    spoken_s = sum(segment.end_s - segment.start_s for segment in segments)
    believed = sum(segment.confidence * (segment.end_s - segment.start_s) for segment in segments)
    if segments and believed < MIN_MEAN_CONFIDENCE * spoken_s:
        raise StageError("unknown_language")
    return {"segments": segments_payload(segments), "language": settings.ENV.asr_language}


def _settings() -> AsrSettings:
    env = settings.ENV
    return AsrSettings(
        model=env.asr_model,
        language=env.asr_language,
        device=env.asr_device,
        compute_type=env.asr_compute_type,
        batch_size=env.asr_batch_size,
        threads=env.asr_threads,
        allow_downloads=env.allow_downloads,
    )


def _inputs(context: StageContext) -> object:
    return [context.results["probe"], settings.ENV.asr_language]


def _on_gpu() -> bool:
    return settings.ENV.asr_device.startswith("cuda")


STAGE = Stage("transcribe", lambda _: folder_version(settings.ENV.asr_model, "model.bin"), _inputs, run, _on_gpu)
