"""What the telephone system knew of a call that was imported: when it began, with whom, in which direction."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Organization
from apps.calls.models import Call


class CallDetails(models.Model):
    """The details of one call; what nobody told is empty. `external_id` is the call's name in the other system."""

    class Direction(models.TextChoices):
        INBOUND = "inbound", _("수신")
        OUTBOUND = "outbound", _("발신")

    call = models.OneToOneField(Call, on_delete=models.CASCADE, related_name="details")
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    external_id = models.CharField(max_length=100, blank=True)
    started_at = models.DateTimeField(null=True)
    customer_phone = models.CharField(max_length=32, blank=True)
    direction = models.CharField(max_length=8, choices=Direction, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "external_id"],
                condition=~models.Q(external_id=""),
                name="one_call_each_external_id",
            )
        ]

    def __str__(self) -> str:
        return f"{self.call_id} {self.external_id}"
