"""Make the rows of the inbox from the summaries there are: once after an upgrade, or after a restore."""

from typing import Any

from django.core.management.base import BaseCommand

from apps.actions.services import sync_actions
from apps.calls.models import Call


class Command(BaseCommand):
    help = "Bring the action items in line with the summaries shown. Safe at any time; what people did with them stays."

    def handle(self, *_: Any, **options: Any) -> None:
        """Go call after call, each in a transaction of its own."""
        keys = list(Call.objects.filter(summaries__isnull=False).distinct().order_by("pk").values_list("pk", flat=True))
        for call_id in keys:
            if Call.objects.filter(pk=call_id).exists():
                sync_actions(call_id=call_id)
        self.stdout.write(f"{len(keys)} calls")
