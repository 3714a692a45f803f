"""The folder in which the files of an import are gathered. Knows names and bytes, no people and no database."""

import os
import shutil
import uuid
from pathlib import Path

from django.conf import settings
from django.core.exceptions import BadRequest

from apps.core.errors import YoyakError
from apps.intake.folder import plain_name, recordings_in
from apps.uploads.files import Source, append

_MAX_NAME_BYTES = 200
_MAX_DEPTH = 8


def folder_of(run_id: uuid.UUID) -> Path:
    """Return the folder of an import; it need not be there."""
    return Path(settings.FILE_UPLOAD_TEMP_DIR) / f"{run_id}.import"


def gathered(run_id: uuid.UUID) -> set[str]:
    """Return the names of the files that have come."""
    return set(recordings_in(folder_of(run_id)))


def keep_file(run_id: uuid.UUID, name: str, content: Source, size_bytes: int) -> None:
    """Keep a file of `size_bytes` under `name`, in place of one that came before. One that breaks off leaves nothing.

    Raises:
        YoyakError: the name leads out of the folder or is too long, or the file is larger than the limit.
        BadRequest: the connection broke.
    """
    target = _target(run_id, name)
    partial = target.with_name(f".{uuid.uuid4().hex}.part")
    target.parent.mkdir(parents=True, exist_ok=True)
    limit_mb = settings.ENV.max_upload_mb
    try:
        with partial.open("xb") as file:
            append(file, content, limit_mb * 2**20)
        if partial.stat().st_size != size_bytes:
            raise BadRequest("the connection broke")
        partial.replace(target)
    except YoyakError as error:
        raise YoyakError("too_large", size_mb=f"> {limit_mb}", limit_mb=limit_mb) from error
    finally:
        partial.unlink(missing_ok=True)


def _target(run_id: uuid.UUID, name: str) -> Path:
    parts = plain_name(name).split("/")
    hidden = any(not part or part.startswith(".") or not part.isprintable() for part in parts)
    if hidden or len(parts) > _MAX_DEPTH or any(len(os.fsencode(part)) > _MAX_NAME_BYTES for part in parts):
        raise YoyakError("bad_file_name", value=name[:80])
    return folder_of(run_id).joinpath(*parts)


def clear(run_id: uuid.UUID) -> None:
    """Remove what was gathered."""
    shutil.rmtree(folder_of(run_id), ignore_errors=True)
