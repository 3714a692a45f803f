"""Summaries of calls, version by version: what the model wrote and what people made of it."""

import uuid

from django.conf import settings
from django.db import models

from apps.accounts.models import Organization
from apps.calls.models import Call


class Summary(models.Model):
    """One version of a call's summary; the highest `version` is the one shown.

    `content` is a `workers.contracts.summary.CallSummary` as JSON. `base` is the version a person corrected.
    """

    class State(models.TextChoices):
        DRAFT = "draft"
        APPROVED = "approved"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="summaries")
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    version = models.PositiveIntegerField()
    content = models.JSONField()
    method = models.CharField(max_length=12)
    model_version = models.CharField(max_length=200)
    elapsed_s = models.FloatField(default=0.0)
    input_tokens = models.PositiveIntegerField(default=0)
    output_tokens = models.PositiveIntegerField(default=0)
    state = models.CharField(max_length=12, choices=State, default=State.DRAFT)
    base = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, related_name="+")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    approved_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    approved_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["call", "-version"]
        constraints = [models.UniqueConstraint(fields=["call", "version"], name="one_summary_each_version")]

    def __str__(self) -> str:
        return f"{self.call_id} v{self.version}"

    @property
    def by_person(self) -> bool:
        """Tell whether a person wrote or approved this version."""
        return self.author_id is not None or self.state == self.State.APPROVED

    @property
    def approvable(self) -> bool:
        """Tell whether the model could learn from this version: it or a person wrote it."""
        return self.method == "model" or self.author_id is not None
