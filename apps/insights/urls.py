"""Addresses of the app; the home page itself is at the root (see `apps.core.urls`)."""

from django.urls import path

from apps.insights import views

app_name = "insights"
urlpatterns = [
    path("", views.ledger, name="ledger"),
    path("calls.csv", views.ledger_csv, name="ledger_csv"),
]
