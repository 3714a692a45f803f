"""Tell whether a file in a folder could become a call, before anything is taken in."""

from pathlib import Path

from django.conf import settings

from apps.core.errors import YoyakError
from apps.intake.columns import CallRow
from workers.engines.errors import MediaError
from workers.engines.media import Declared, look


def require_readable(path: Path, row: CallRow) -> None:
    """Raise YoyakError when the recording at `path` is empty, too large or nothing that the pipeline could decode."""
    size, limit_mb = path.stat().st_size, settings.ENV.max_upload_mb
    if size == 0:
        raise YoyakError("empty_file")
    if size > limit_mb * 2**20:
        raise YoyakError("too_large", size_mb=size // 2**20, limit_mb=limit_mb)
    try:
        declared = Declared(row.codec, row.rate_hz)
        look(path, file_name=row.file, declared=declared, max_minutes=settings.ENV.max_call_minutes)
    except MediaError as error:
        raise YoyakError(error.code, **error.values) from error
