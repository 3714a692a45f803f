"""Addresses of the core: home, signs of life, language."""

from django.conf.urls.i18n import urlpatterns as language_urls
from django.contrib.auth.decorators import login_not_required
from django.urls import path

from apps.core import views

app_name = "core"

for _pattern in language_urls:
    _pattern.callback = login_not_required(_pattern.callback)

urlpatterns = [
    path("", views.home, name="home"),
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    *language_urls,
]
