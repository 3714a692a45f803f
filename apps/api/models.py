"""The answers to requests that carried an idempotency key, kept for a day."""

from django.db import models

from apps.accounts.models import ApiToken


class KeptAnswer(models.Model):
    """What a request with this key was answered; `status` is 0 while it is being worked on."""

    token = models.ForeignKey(ApiToken, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=200)
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(default=0)
    body = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["token", "key"], name="one_answer_each_key")]

    def __str__(self) -> str:
        return f"{self.token_id} {self.key} {self.status}"
