"""Requests of people to retrain the model. The run itself lives in the model registry, linked by its UUID."""

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Organization


class RetrainRequest(models.Model):
    """Somebody asked for a training run; `run_id` is the run's id in the registry."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    run_id = models.UUIDField(unique=True)
    recipe = models.CharField(max_length=60)
    approved_pairs = models.PositiveIntegerField()
    started_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at"]
        verbose_name = verbose_name_plural = _("학습 요청")

    def __str__(self) -> str:
        return f"{self.recipe} {self.run_id}"
