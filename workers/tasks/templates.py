"""The doorbell of template previews."""

from uuid import UUID

from config.celery import app
from workers.contracts.stages import PREVIEW_TASK


@app.task(name=PREVIEW_TASK)
def preview(preview_id: str) -> None:
    """Answer the preview, once, however often the bell rings."""
    # Every worker and the scheduler load this module; only the one that summarizes needs torch.
    from workers import previews

    previews.answer(UUID(preview_id))
