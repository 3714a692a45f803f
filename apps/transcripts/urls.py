"""Addresses of the app."""

from django.urls import path

from apps.transcripts import views

app_name = "transcripts"
urlpatterns = [
    path("<uuid:call_id>/<int:number>/", views.edit_line, name="line"),
    path("<uuid:call_id>/parties/", views.rename, name="parties"),
    path("<uuid:call_id>/swap/", views.swap, name="swap"),
]
