"""What was said in a call: numbered segments with times, parties and words, and what people changed of it."""

from django.conf import settings
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


def spoken_by(party: str) -> models.QuerySet[TranscriptSegment]:
    """Return the segments of "A", with "B" those of everybody else, with "" all."""
    lines = TranscriptSegment.objects.all()
    return lines if not party else lines.filter(party="A") if party == "A" else lines.exclude(party="A")


class TranscriptChange(models.Model):
    """What a person changed: the text of the line `number`, or, without a number, parties A and B of all lines."""

    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="transcript_changes")
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    number = models.PositiveIntegerField(null=True)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    before = models.TextField()
    after = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at", "-pk"]
        indexes = [models.Index(fields=["call", "number"])]

    def __str__(self) -> str:
        return f"{self.call_id} {self.number}"


class PartyName(models.Model):
    """The name that people gave a party of one call."""

    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="party_names")
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    party = models.CharField(max_length=8)
    name = models.CharField(max_length=40)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["call", "party"], name="one_name_each_party")]

    def __str__(self) -> str:
        return f"{self.party} {self.name}"
