"""Addresses of the app."""

from django.urls import path

from apps.intake import views

app_name = "intake"
urlpatterns = [
    path("", views.imports, name="list"),
    path("<uuid:import_id>/", views.show, name="page"),
    path("<uuid:import_id>/files/", views.take_files, name="files"),
    path("<uuid:import_id>/start/", views.start, name="start"),
    path("<uuid:import_id>/drop/", views.drop, name="drop"),
]
