"""Uploads that come in parts. How much has come, the partial file itself tells; the row says what it is to become."""

import uuid

from django.conf import settings
from django.db import models

from apps.accounts.models import Organization
from apps.calls.models import Call


class Upload(models.Model):
    """A recording on its way in; `call` is what it became. `sha256` is empty when the sender did not say."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    file_name = models.CharField(max_length=255)
    title = models.CharField(max_length=300, blank=True)
    codec = models.CharField(max_length=16, blank=True)
    rate_hz = models.PositiveIntegerField(null=True)
    size_bytes = models.BigIntegerField()
    sha256 = models.CharField(max_length=64, blank=True)
    call = models.ForeignKey(Call, on_delete=models.CASCADE, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.file_name
