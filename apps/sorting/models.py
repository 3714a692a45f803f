"""How people keep calls in order: tags on calls, and searches they come back to."""

import uuid

from django.conf import settings
from django.db import models

from apps.accounts.models import Organization
from apps.calls.models import Call


class Tag(models.Model):
    """A word of an organization that can stand on many of its calls."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=40)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "name"], name="one_tag_each_name")]

    def __str__(self) -> str:
        return self.name


class CallTag(models.Model):
    """A tag on a call, and who put it there."""

    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="call_tags")
    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="call_tags")
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["call", "tag"], name="each_tag_once_on_a_call")]

    def __str__(self) -> str:
        return f"{self.call_id} {self.tag}"


class SavedSearch(models.Model):
    """A filter of the list under a name; `query` is the list's query string. A shared one is the organization's."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=2000)
    shared = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["owner", "name"], name="one_search_each_name")]

    def __str__(self) -> str:
        return self.name
