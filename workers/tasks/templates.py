"""The doorbell of template previews."""

from uuid import UUID

from config.celery import app
from workers import previews
from workers.contracts.stages import PREVIEW_TASK


@app.task(name=PREVIEW_TASK)
def preview(preview_id: str) -> None:
    """Answer the preview, once, however often the bell rings."""
    previews.answer(UUID(preview_id))
