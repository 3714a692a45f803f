"""Register the app with Django."""

from django.apps import AppConfig


class SearchConfig(AppConfig):
    name = "apps.search"
