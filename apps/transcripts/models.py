"""What was said in a call: numbered segments with times, parties and words."""

from django.db import models

from apps.accounts.models import Organization
from apps.calls.models import Call


class TranscriptSegment(models.Model):
    """One turn of a call. `number` is 1-based in time order; summaries cite it. Times are seconds."""

    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="segments")
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    number = models.PositiveIntegerField()
    party = models.CharField(max_length=8)
    start_s = models.FloatField()
    end_s = models.FloatField()
    text = models.TextField()
    confidence = models.FloatField()
    words = models.JSONField(default=list)

    class Meta:
        ordering = ["call", "number"]
        constraints = [models.UniqueConstraint(fields=["call", "number"], name="one_segment_each_number")]

    def __str__(self) -> str:
        return f"{self.number} {self.party}"
