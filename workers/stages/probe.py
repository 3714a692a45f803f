"""First stage: decode the recording into tracks, a copy to listen to and its peaks, and write down what it is."""

from pathlib import Path

from django.conf import settings

from apps.calls.models import Recording
from apps.calls.services import describe_recording
from workers.contracts.errors import StageError
from workers.contracts.work import Payload, Stage, StageContext
from workers.engines.media import Declared, decode


def run(context: StageContext) -> Payload:
    """Decode the call's recording. Raises MediaError when it cannot be used."""
    recording = _recording(context)
    source = Path(settings.MEDIA_ROOT) / recording.path
    if not source.is_file():
        raise StageError("recording_missing")
    facts = decode(
        source,
        context.folder,
        file_name=recording.file_name,
        declared=Declared(recording.declared_codec, recording.declared_rate_hz),
        max_minutes=settings.ENV.max_call_minutes,
    )
    listen = (context.folder / "listen.ogg").relative_to(settings.MEDIA_ROOT)
    known = {name: facts[name] for name in ("channels", "sample_rate_hz", "codec")}
    describe_recording(call_id=context.call_id, facts=known | {"listen_path": str(listen), "peaks": facts.pop("peaks")})
    return facts


def _recording(context: StageContext) -> Recording:
    return Recording.objects.get(call_id=context.call_id)


def _inputs(context: StageContext) -> object:
    recording = _recording(context)
    return [recording.sha256, recording.declared_codec, recording.declared_rate_hz, settings.ENV.max_call_minutes]


STAGE = Stage("probe", lambda _: "pyav-1", _inputs, run)
