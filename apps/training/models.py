"""Requests of people to retrain the model. The run itself lives in the model registry, linked by its UUID."""

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from apps.accounts.models import Organization


class RetrainRequest(models.Model):
    """Somebody asked for a training run; `run_id` is the run's id in the registry."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+", verbose_name=_("조직"))
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("요청한 사람")
    )
    run_id = models.UUIDField(_("학습 ID"), unique=True)
    recipe = models.CharField(_("레시피"), max_length=60)
    approved_pairs = models.PositiveIntegerField(_("승인된 요약 수"))
    started_at = models.DateTimeField(_("시작한 때"), null=True)
    created_at = models.DateTimeField(_("요청한 때"), auto_now_add=True)

    class Meta:
        ordering = ["-created_at"]
        verbose_name = pgettext_lazy("one", "학습 요청")
        verbose_name_plural = pgettext_lazy("several", "학습 요청")

    def __str__(self) -> str:
        return f"{self.recipe} {self.run_id}"
