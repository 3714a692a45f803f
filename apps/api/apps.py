"""Register the app with Django."""

from django.apps import AppConfig
from django.db.models.signals import pre_delete


class ApiConfig(AppConfig):
    name = "apps.api"

    def ready(self) -> None:
        """Let kept answers go with the call they tell of, which knows nothing of the API."""
        from apps.api.idempotency import forget_answers

        pre_delete.connect(forget_answers, sender="calls.Call")
