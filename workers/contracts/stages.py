"""The stages of the pipeline in order, the queue each runs on, and the names of the tasks.

Apps enqueue by these names; the code behind them is the workers' own business.
"""

STAGE_QUEUES = {
    "probe": "io",
    "transcribe": "asr",
    "diarize": "io",
    "summarize": "llm",
    "verify": "io",
    "publish": "io",
}
FIRST_STAGE = "probe"
FIRST_TRANSCRIPT_STAGE = "summarize"
# What a batch names in place of a checkpoint to be summarized by the model that ships.
SHIPPED_MODEL = "shipped"

WORK_TASK = "jobs.work"
SWEEP_TASK = "jobs.sweep"
PRUNE_TASK = "upkeep.prune"
TRAIN_TASK = "training.start"
WATCH_TASK = "training.watch"
INTAKE_TASK = "intake.watch"
PREVIEW_TASK = "templates.preview"
DELIVER_TASK = "webhooks.deliver"
IMPORT_TASK = "intake.import"


def next_stage(stage: str) -> str | None:
    """Return the name of the stage after `stage`, None after the last."""
    names = list(STAGE_QUEUES)
    position = names.index(stage) + 1
    return names[position] if position < len(names) else None


def stages_of(queue: str) -> list[str]:
    """Return the stages that run on `queue`."""
    return [stage for stage, name in STAGE_QUEUES.items() if name == queue]
