"""Addresses of the app."""

from django.urls import path

from apps.sorting import views

app_name = "sorting"
urlpatterns = [
    path("tags/", views.tag_many, name="tag_many"),
    path("tags/<uuid:call_id>/", views.tag_call, name="tag_call"),
    path("searches/", views.searches, name="searches"),
    path("searches/save/", views.save, name="save"),
    path("searches/<uuid:search_id>/forget/", views.forget, name="forget"),
]
