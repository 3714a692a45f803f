"""Addresses of the app."""

from django.urls import path

from apps.summaries import views

app_name = "summaries"
urlpatterns = [
    path("<uuid:summary_id>/approve/", views.approve, name="approve"),
    path("<uuid:summary_id>/correct/", views.correct, name="correct"),
    path("<uuid:summary_id>/changes/", views.show_changes, name="changes"),
]
