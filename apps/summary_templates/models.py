"""Summary templates of an organization, their versions, what is chosen for a call, and what a summary was made with.

A version never changes and is never removed, so a summary can always name the one that made it.
"""

import uuid
from typing import Literal

from django.conf import settings
from django.db import models

from apps.accounts.models import Organization, Team
from apps.calls.models import Call
from apps.summaries.models import Summary


class SummaryTemplate(models.Model):
    """A named template of an organization or of one of its teams; the version with the highest number counts.

    At most one is the default of an organization, and one of each team. A retired template belongs to no team.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    # Without its team a team's default would become the organization's.
    team = models.ForeignKey(Team, on_delete=models.RESTRICT, null=True, related_name="+")
    name = models.CharField(max_length=80)
    is_default = models.BooleanField(default=False)
    retired_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "name"], name="one_template_each_name"),
            models.UniqueConstraint(
                fields=["organization"],
                condition=models.Q(is_default=True, team=None),
                name="one_default_template_each",
            ),
            models.UniqueConstraint(
                fields=["team"], condition=models.Q(is_default=True), name="one_default_template_each_team"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class TemplateVersion(models.Model):
    """What a template asked from a moment on; `content` is a `workers.contracts.template.TemplateSpec` as JSON."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    template = models.ForeignKey(SummaryTemplate, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    content = models.JSONField()
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["template", "-number"]
        constraints = [models.UniqueConstraint(fields=["template", "number"], name="one_version_each_number")]

    def __str__(self) -> str:
        return f"{self.template} v{self.number}"


class CallTemplate(models.Model):
    """The template somebody chose for a call, in place of the organization's default."""

    call = models.OneToOneField(Call, on_delete=models.CASCADE, related_name="+")
    template = models.ForeignKey(SummaryTemplate, on_delete=models.CASCADE, related_name="+")

    def __str__(self) -> str:
        return f"{self.call_id} {self.template}"


class TemplateUse(models.Model):
    """The template version that a summary was made with, and its filled fields (`FilledField` as JSON)."""

    summary = models.OneToOneField(Summary, on_delete=models.CASCADE, related_name="template_use")
    version = models.ForeignKey(TemplateVersion, on_delete=models.PROTECT, related_name="+")
    fields = models.JSONField(default=list)

    def __str__(self) -> str:
        return f"{self.summary_id} {self.version}"


class TemplatePreview(models.Model):
    """A template tried on a call without keeping a summary: asked by a page, answered by a worker."""

    class State(models.TextChoices):
        WAITING = "waiting"
        DONE = "done"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="+")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=80)
    content = models.JSONField()
    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    result = models.JSONField(default=dict)
    reason = models.CharField(max_length=48, blank=True)
    reason_values = models.JSONField(default=dict)
    rung_at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.name} {self.state}"


# What a call is to be summarized with: a template, None for the default, or what was chosen for it before.
AS_CHOSEN: Literal["as_chosen"] = "as_chosen"
TemplateWish = SummaryTemplate | None | Literal["as_chosen"]
