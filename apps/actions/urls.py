"""Addresses of the app."""

from django.urls import path

from apps.actions import views

app_name = "actions"
urlpatterns = [
    path("", views.list_actions, name="list"),
    path("<uuid:action_id>/", views.show_action, name="page"),
    path("<uuid:action_id>/done/", views.finish, name="done"),
    path("<uuid:action_id>/reopen/", views.reopen, name="reopen"),
    path("<uuid:action_id>/assign/", views.assign, name="assign"),
    path("<uuid:action_id>/due/", views.put_due, name="due"),
]
