"""The map of every address the web process answers."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("apps.core.urls")),
    path("", include("apps.accounts.urls")),
    path("", include("apps.accounts.member_urls")),
    path("calls/", include("apps.calls.urls")),
    path("batches/", include("apps.jobs.urls")),
    path("summaries/", include("apps.summaries.urls")),
    path("training/", include("apps.training.urls")),
    path("api/v1/", include("apps.api.urls")),
    path("admin/", admin.site.urls),
]
