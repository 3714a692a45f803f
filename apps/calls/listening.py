"""Send the copy of a recording that browsers play, in ranges, and note who heard it."""

from pathlib import Path

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponseBase

from apps.accounts.models import User
from apps.calls.models import Recording
from apps.calls.services import record_listening
from apps.core.ranges import file_response


def recording_response(request: HttpRequest, recording: Recording, *, actor: User) -> HttpResponseBase:
    """Return what `actor`, who may hear the recording, asked for of it; Http404 while there is nothing to listen to."""
    path = Path(settings.MEDIA_ROOT) / recording.listen_path
    if not recording.listen_path or not path.is_file():
        raise Http404("nothing to listen to")
    record_listening(call=recording.call, actor=actor)
    etag = f"{recording.sha256[:40]}-{path.stat().st_size}"
    return file_response(request, path, content_type="audio/ogg", etag=etag)
