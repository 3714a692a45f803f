"""Write every search document anew: after an upgrade, a restore, or a change of how text is cut."""

from typing import Any

from django.core.management.base import BaseCommand

from apps.calls.models import Call
from apps.search.services import index_call


class Command(BaseCommand):
    help = "Rebuild the search index from transcripts and summaries. Safe at any time; people can work meanwhile."

    def handle(self, *_: Any, **options: Any) -> None:
        """Index call after call, each in a transaction of its own."""
        keys = list(Call.objects.order_by("pk").values_list("pk", flat=True))
        for done, call_id in enumerate(keys, 1):
            if Call.objects.filter(pk=call_id).exists():
                index_call(call_id=call_id)
            if done % 1000 == 0:
                self.stdout.write(f"{done} / {len(keys)}")
        self.stdout.write(f"{len(keys)} calls indexed")
