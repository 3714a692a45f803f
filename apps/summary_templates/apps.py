"""Django's name for the app."""

from django.apps import AppConfig


class SummaryTemplatesConfig(AppConfig):
    name = "apps.summary_templates"
