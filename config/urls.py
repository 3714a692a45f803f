"""The map of every address the web process answers."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("apps.core.urls")),
    path("", include("apps.accounts.urls")),
    path("", include("apps.accounts.member_urls")),
    path("calls/", include("apps.calls.urls")),
    path("imports/", include("apps.intake.urls")),
    path("actions/", include("apps.actions.urls")),
    path("batches/", include("apps.jobs.urls")),
    path("summaries/", include("apps.summaries.urls")),
    path("templates/", include("apps.summary_templates.urls")),
    path("sorting/", include("apps.sorting.urls")),
    path("ledger/", include("apps.insights.urls")),
    path("transcripts/", include("apps.transcripts.urls")),
    path("training/", include("apps.training.urls")),
    path("webhooks/", include("apps.webhooks.urls")),
    path("uploads/", include("apps.uploads.urls")),
    path("api/v1/", include("apps.api.urls")),
    path("admin/", admin.site.urls),
]
