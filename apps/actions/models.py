"""The action items of all calls as rows of their own, so that people can take them, finish them and look back.

The words come from the summary that is shown (see `apps.actions.services`); who does it, until when and whether it is
done belongs to people. What people did is kept as events.
"""

import uuid

from django.conf import settings
from django.db import models

from apps.accounts.models import Organization
from apps.calls.models import Call


class Action(models.Model):
    """One thing that somebody is to do after a call. It is open while `done_at` is empty.

    `number` is its place in the summary, `evidence` the 1-based numbers of the segments it rests on. `dropped_at` is
    set when the summary names it no more but a person had already touched it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="actions")
    number = models.PositiveSmallIntegerField()
    who = models.TextField(blank=True)
    what = models.TextField()
    when = models.TextField(blank=True)
    evidence = models.JSONField(default=list)
    due_on = models.DateField(null=True)
    due_time = models.TimeField(null=True)
    assignee = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    done_at = models.DateTimeField(null=True)
    dropped_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [
            models.Index(fields=["organization", "done_at", "due_on"]),
            models.Index(fields=["assignee", "done_at", "due_on"]),
        ]

    def __str__(self) -> str:
        return self.what


class ActionEvent(models.Model):
    """One thing a person did with an action; rows are only ever added.

    `assignee` and `due_on` hold what was set, empty when it was taken away.
    """

    class Kind(models.TextChoices):
        ASSIGNED = "assigned"
        DUE = "due"
        DONE = "done"
        REOPENED = "reopened"

    action = models.ForeignKey(Action, on_delete=models.CASCADE, related_name="events")
    kind = models.CharField(max_length=12, choices=Kind)
    at = models.DateTimeField(auto_now_add=True)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    assignee = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    due_on = models.DateField(null=True)

    def __str__(self) -> str:
        return f"{self.action_id} {self.kind}"
