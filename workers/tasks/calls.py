"""The doorbells of the pipeline."""

from config.celery import app
from workers import pipeline
from workers.contracts.stages import WORK_TASK


@app.task(name=WORK_TASK)
def work(queue: str) -> None:
    """Work on the next waiting job of `queue`, if there is one."""
    pipeline.work_on(queue)
