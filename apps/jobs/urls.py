"""Addresses of the app."""

from django.urls import path

from apps.jobs import views

app_name = "jobs"
urlpatterns = [
    path("", views.list_batches, name="batches"),
    path("prepare/", views.prepare, name="prepare"),
    path("start/", views.start, name="start"),
    path("<uuid:batch_id>/", views.show_batch, name="batch"),
    path("<uuid:batch_id>/progress/", views.show_batch_progress, name="batch_progress"),
    path("<uuid:batch_id>/cancel/", views.cancel, name="batch_cancel"),
    path("<uuid:batch_id>/pause/", views.pause, name="batch_pause"),
    path("<uuid:batch_id>/resume/", views.resume, name="batch_resume"),
    path("<uuid:batch_id>/retry/", views.retry, name="batch_retry"),
    path("<uuid:batch_id>/report.csv", views.report, name="batch_report"),
]
