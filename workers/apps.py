"""Register the workers with Django, for their management commands."""

from django.apps import AppConfig


class WorkersConfig(AppConfig):
    name = "workers"
