"""The app's place in Django."""

from django.apps import AppConfig


class ActionsConfig(AppConfig):
    name = "apps.actions"
