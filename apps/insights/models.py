"""How long people talk in a call, measured once when its transcript is written: no page has to read every turn."""

from django.db import models

from apps.accounts.models import Organization
from apps.calls.models import Call


class TalkTime(models.Model):
    """Seconds of a call: party A talking, all others talking, at least two at once, and nobody.

    `a_s` and `others_s` both hold what is said at once.
    """

    call = models.OneToOneField(Call, on_delete=models.CASCADE, related_name="talk_time")
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    a_s = models.FloatField()
    others_s = models.FloatField()
    overlap_s = models.FloatField()
    silence_s = models.FloatField()

    def __str__(self) -> str:
        return str(self.call_id)
