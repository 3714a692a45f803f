"""Addresses of the app: what the upload of the calls' page speaks to."""

from django.urls import path

from apps.uploads import views

app_name = "uploads"
urlpatterns = [
    path("", views.begin, name="begin"),
    path("<uuid:upload_id>/", views.part, name="part"),
    path("<uuid:upload_id>/finish/", views.finish, name="finish"),
]
