"""Addresses of the app."""

from django.urls import path

from apps.calls import export_views, views

app_name = "calls"
urlpatterns = [
    path("", views.list_calls, name="list"),
    path("live/", views.live_rows, name="live"),
    path("upload/", views.upload, name="upload"),
    path("export.csv", export_views.export_table, name="export_table"),
    path("export/<uuid:batch_id>.zip", export_views.export_batch, name="export_batch"),
    path("<uuid:call_id>/export.<slug:name>", export_views.export_call, name="export"),
    path("<uuid:call_id>/", views.show_call, name="page"),
    path("<uuid:call_id>/progress/", views.show_progress, name="progress"),
    path("<uuid:call_id>/audio/", views.play, name="audio"),
    path("<uuid:call_id>/regenerate/", views.regenerate, name="regenerate"),
    path("<uuid:call_id>/retry/", views.retry, name="retry"),
    path("<uuid:call_id>/cancel/", views.cancel, name="cancel"),
    path("<uuid:call_id>/delete/", views.delete, name="delete"),
]
