"""What the operations on uploads take and give."""

import uuid
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from apps.api.operations import Incoming, example
from apps.uploads.files import MAX_PART_BYTES, received_bytes
from apps.uploads.models import Upload
from workers.contracts.lines import STRIPPED


class UploadIn(Incoming):
    """`sha256` is compared at the end when it is given; `codec` and `rate_hz` only for recordings without a header."""

    model_config = example(
        file_name="통화.wav",
        size_bytes=1_295_502,
        title="송금 문의",
    )

    file_name: Annotated[str, Field(min_length=1, max_length=255)]
    size_bytes: Annotated[int, Field(ge=1, le=2**53)]
    sha256: Annotated[str, Field(pattern="^([0-9a-f]{64})?$")] = ""
    title: Annotated[str, Field(max_length=300), STRIPPED] = ""
    codec: Literal["", "mulaw", "alaw", "pcm_s16le"] = ""
    rate_hz: Annotated[int, Field(ge=4000, le=192_000)] | None = None


class PartQuery(Incoming):
    offset: Annotated[int, Field(ge=0, le=2**53)]


class UploadOut(BaseModel):
    """`offset` is how many bytes have come; `call` is what the upload became."""

    id: uuid.UUID
    file_name: str
    size_bytes: int
    offset: int
    max_part_bytes: int
    expires_at: datetime
    call: uuid.UUID | None

    @classmethod
    def of(cls, upload: Upload) -> "UploadOut":
        """Return an upload as the API shows it."""
        return cls(
            id=upload.pk,
            file_name=upload.file_name,
            size_bytes=upload.size_bytes,
            offset=upload.size_bytes if upload.call_id else received_bytes(upload.pk),
            max_part_bytes=MAX_PART_BYTES,
            expires_at=upload.expires_at,
            call=upload.call_id,
        )
