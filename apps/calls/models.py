"""Calls and their recordings. What was said lives in `apps.transcripts`, what is done with them in `apps.jobs`."""

import uuid

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import Organization


class Call(models.Model):
    """One phone call of an organization, from an upload, a command or an imported transcript.

    `happened_at` is when people spoke, where the telephone system told it, else when the call came in. Lists, filters,
    charts and due days go by it; `created_at` only tells when the row was made.
    """

    class Source(models.TextChoices):
        UPLOAD = "upload"
        COMMAND = "command"
        TRANSCRIPT = "transcript"
        SAMPLE = "sample"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="calls")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    title = models.CharField(max_length=300)
    source = models.CharField(max_length=16, choices=Source)
    created_at = models.DateTimeField(auto_now_add=True)
    happened_at = models.DateTimeField(default=timezone.now)
    duration_s = models.FloatField(null=True)

    class Meta:
        indexes = [models.Index(fields=["organization", "-happened_at"])]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        """Return the address of the call's page."""
        return reverse("calls:page", args=[self.pk])


class Recording(models.Model):
    """The audio of a call as it came in; `path`s are relative to MEDIA_ROOT."""

    call = models.OneToOneField(Call, on_delete=models.CASCADE, related_name="recording")
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    path = models.CharField(max_length=200)
    file_name = models.CharField(max_length=255)
    sha256 = models.CharField(max_length=64)
    size_bytes = models.BigIntegerField()
    declared_codec = models.CharField(max_length=16, blank=True)
    declared_rate_hz = models.PositiveIntegerField(null=True)
    channels = models.PositiveSmallIntegerField(null=True)
    sample_rate_hz = models.PositiveIntegerField(null=True)
    codec = models.CharField(max_length=40, blank=True)
    listen_path = models.CharField(max_length=200, blank=True)
    peaks = models.JSONField(default=list)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "sha256"], name="one_recording_each")]

    def __str__(self) -> str:
        return self.file_name
