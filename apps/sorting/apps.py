"""Django's name for the app."""

from django.apps import AppConfig


class SortingConfig(AppConfig):
    name = "apps.sorting"
