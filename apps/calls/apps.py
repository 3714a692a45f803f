"""Register the app with Django."""

from django.apps import AppConfig


class CallsConfig(AppConfig):
    name = "apps.calls"
