"""Addresses of the app."""

from django.urls import path

from apps.training import views

app_name = "training"
urlpatterns = [
    path("", views.overview, name="overview"),
    path("start/", views.start, name="start"),
    path("<uuid:request_id>/", views.show_run, name="run"),
    path("<uuid:request_id>/progress/", views.show_run_progress, name="run_progress"),
]
