"""Addresses of the core: home, signs of life, language."""

from django.contrib.auth.decorators import login_not_required
from django.urls import path
from django.views.i18n import set_language

from apps.core import views
from apps.insights.views import home

app_name = "core"

urlpatterns = [
    path("", home, name="home"),
    path("installation/", views.installation, name="installation"),
    path("installation/model/", views.use_model, name="use_model"),
    path("organization/", views.work_in, name="work_in"),
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("i18n/setlang/", login_not_required(set_language), name="set_language"),
]
