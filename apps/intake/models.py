"""What the telephone system knew of a call that was imported, and imports that are under way."""

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from apps.accounts.models import Organization
from apps.calls.models import Call


class CallDetails(models.Model):
    """The details of one call; what nobody told is empty. `external_id` is the call's name in the other system.

    `phone_digits` are those of `customer_phone`, so that a number is found however it was written.
    """

    class Direction(models.TextChoices):
        INBOUND = "inbound", _("수신")
        OUTBOUND = "outbound", _("발신")

    call = models.OneToOneField(Call, on_delete=models.CASCADE, related_name="details")
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    external_id = models.CharField(max_length=100, blank=True)
    started_at = models.DateTimeField(null=True)
    customer_phone = models.CharField(max_length=32, blank=True)
    phone_digits = models.CharField(max_length=15, blank=True)
    direction = models.CharField(max_length=8, choices=Direction, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "external_id"],
                condition=~models.Q(external_id=""),
                name="one_call_each_external_id",
            )
        ]

    def __str__(self) -> str:
        return f"{self.call_id} {self.external_id}"


class ImportRun(models.Model):
    """A folder of recordings on its way in by page or API: the table of its calls, and what became of it.

    Its files are gathered in a folder of their own (`apps.intake.staging`). `report` is a `Report` as JSON once it has
    ended. `beat_at` is the last sign of life of the worker that is at it, and the token of whoever claims it.
    """

    class State(models.TextChoices):
        GATHERING = "gathering", pgettext_lazy("import", "파일 모으는 중")
        QUEUED = "queued", pgettext_lazy("import", "대기 중")
        RUNNING = "running", pgettext_lazy("import", "확인하고 가져오는 중")
        DONE = "done", pgettext_lazy("import", "가져옴")
        REFUSED = "refused", pgettext_lazy("import", "가져오지 않음")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    name = models.CharField(max_length=200)
    table = models.BinaryField()
    state = models.CharField(max_length=12, choices=State, default=State.GATHERING)
    report = models.JSONField(default=dict)
    beat_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.name} {self.state}"

    @property
    def is_final(self) -> bool:
        return self.state in (self.State.DONE, self.State.REFUSED)
