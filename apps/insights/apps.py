"""The app's place in Django."""

from django.apps import AppConfig


class InsightsConfig(AppConfig):
    name = "apps.insights"
