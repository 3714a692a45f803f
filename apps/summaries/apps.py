"""Register the app with Django."""

from django.apps import AppConfig


class SummariesConfig(AppConfig):
    name = "apps.summaries"
