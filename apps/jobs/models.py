"""Work as rows: a job for each call, the kept result of each stage, batches, and the pulse of the workers.

Nothing but `apps.jobs.requests`, `batches`, `leases`, `sweeping` and `endings` writes these tables.
"""

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone

from apps.accounts.models import Organization
from apps.calls.models import Call


class Batch(models.Model):
    """Many calls summarized as one piece of work.

    While `paused_at` is set no stage of its calls begins; `paused_s` is how long earlier pauses lasted. `model` is what
    summarizes: `SHIPPED_MODEL`, the id of a checkpoint, or empty for the one in use when a call's turn comes. While it
    is `filling` an import still adds calls.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="batches")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    name = models.CharField(max_length=200)
    model = models.CharField(max_length=36, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    paused_at = models.DateTimeField(null=True)
    paused_s = models.FloatField(default=0.0)
    filling = models.BooleanField(default=False)

    def __str__(self) -> str:
        return self.name


class Job(models.Model):
    """One run of the pipeline over one call.

    `token` is the fencing token: it grows with every claim, and a worker whose token is no longer the row's
    has lost the job and can change nothing.
    """

    class State(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"
        CANCELLED = "cancelled"

    ACTIVE = (State.QUEUED, State.RUNNING)
    FINAL = (State.DONE, State.FAILED, State.CANCELLED)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="jobs")
    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="jobs")
    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, null=True, related_name="jobs")
    state = models.CharField(max_length=12, choices=State, default=State.QUEUED)
    stage = models.CharField(max_length=24)
    progress = models.FloatField(default=0.0)
    attempts = models.PositiveSmallIntegerField(default=0)
    cancel_requested = models.BooleanField(default=False)
    reason = models.CharField(max_length=48, blank=True)
    reason_values = models.JSONField(default=dict)
    token = models.PositiveBigIntegerField(default=0)
    lease_owner = models.CharField(max_length=100, blank=True)
    lease_expires_at = models.DateTimeField(null=True)
    rung_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["state", "rung_at"]), models.Index(fields=["call", "-created_at"])]

    def __str__(self) -> str:
        return f"{self.call_id} {self.state} {self.stage}"

    @property
    def is_final(self) -> bool:
        return self.state in self.FINAL


class StageResult(models.Model):
    """What a stage made of a call, kept so that it is never made twice.

    `used_at` tells which of several results of a stage (by other engines, or of other input) the call rests on now.
    `cpu_s` is the processor time of all threads and child processes, `gpu_s` the time a GPU was held; both are empty
    for results made before they were counted. The tokens are those of the language model.
    """

    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="stage_results")
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    stage = models.CharField(max_length=24)
    input_hash = models.CharField(max_length=64)
    engine_version = models.CharField(max_length=200)
    payload = models.JSONField()
    elapsed_s = models.FloatField()
    cpu_s = models.FloatField(null=True)
    gpu_s = models.FloatField(null=True)
    input_tokens = models.PositiveIntegerField(default=0)
    output_tokens = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    used_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["call", "stage", "input_hash", "engine_version"], name="one_result_for_each_input"
            )
        ]
        indexes = [models.Index(fields=["organization", "-created_at"])]

    def __str__(self) -> str:
        return f"{self.call_id} {self.stage}"


class WorkerPulse(models.Model):
    """The last sign of life of a worker process and the queues it serves."""

    name = models.CharField(max_length=100, primary_key=True)
    queues = models.CharField(max_length=100)
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name
