"""Addresses of the app."""

from django.urls import path

from apps.webhooks import views

app_name = "webhooks"
urlpatterns = [
    path("", views.endpoints, name="list"),
    path("<uuid:endpoint_id>/", views.endpoint, name="endpoint"),
    path("<uuid:endpoint_id>/rotate/", views.rotate, name="rotate"),
    path("<uuid:endpoint_id>/test/", views.send_test, name="test"),
    path("<uuid:endpoint_id>/delete/", views.delete, name="delete"),
    path("deliveries/<uuid:delivery_id>/replay/", views.replay, name="replay"),
]
