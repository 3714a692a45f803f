"""Where an organization wants to be told what happened, what is to be told, and how each try went.

A delivery is written in the transaction of the event that it tells of; sending it is the workers' business.
"""

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from apps.accounts.models import Organization


class Kind(models.TextChoices):
    CALL_DONE = "call.done", _("통화 요약 완료")
    CALL_FAILED = "call.failed", _("통화 처리 실패")
    BATCH_FINISHED = "batch.finished", _("일괄 작업 끝")
    SUMMARY_APPROVED = "summary.approved", _("요약 승인")


# Sent on request to try an endpoint out; nobody subscribes to it.
TEST_KIND = "test"


class Endpoint(models.Model):
    """An address of a customer's program and the events it wants.

    Its secret is not kept: it follows from the installation's key and `secret_number` (see `apps.webhooks.signing`).
    `failures` counts failed tries in a row, since `failing_since`.
    """

    class Stop(models.TextChoices):
        PERSON = "person", _("꺼 둠")
        FAILURES = "failures", _("실패가 이어져 멈춤")
        GONE = "gone", _("받는 쪽이 없어졌다고 답해 멈춤(410)")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    url = models.CharField(max_length=500)
    description = models.CharField(max_length=200, blank=True)
    kinds = models.JSONField(default=list)
    secret_number = models.PositiveIntegerField(default=1)
    rotated_at = models.DateTimeField(null=True)
    failures = models.PositiveIntegerField(default=0)
    failing_since = models.DateTimeField(null=True)
    stopped = models.CharField(max_length=12, choices=Stop, blank=True)
    stopped_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.url


class Delivery(models.Model):
    """One event for one endpoint. `attempts` grows with every try and is the fencing token of whoever sends it."""

    class State(models.TextChoices):
        WAITING = "waiting", pgettext_lazy("delivery", "대기 중")
        DONE = "done", pgettext_lazy("delivery", "전달됨")
        FAILED = "failed", pgettext_lazy("delivery", "실패")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="deliveries")
    event_id = models.UUIDField()
    kind = models.CharField(max_length=40)
    body = models.TextField()
    state = models.CharField(max_length=12, choices=State, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(default=timezone.now)
    lease_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["state", "due_at"]), models.Index(fields=["endpoint", "-created_at"])]

    def __str__(self) -> str:
        return f"{self.kind} {self.state}"


class Attempt(models.Model):
    """How one try ended: the status that was answered, or the code of what went wrong. Answers are not kept."""

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="tries")
    number = models.PositiveSmallIntegerField()
    at = models.DateTimeField(auto_now_add=True)
    status = models.PositiveSmallIntegerField(null=True)
    error = models.CharField(max_length=24, blank=True)
    elapsed_s = models.FloatField()

    class Meta:
        ordering = ["number"]

    def __str__(self) -> str:
        return f"{self.number}: {self.status or self.error}"
