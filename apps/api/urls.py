"""Addresses of the API, made from the declared operations. The gate checks the ids, so every refusal is a problem."""

from itertools import groupby

from django.urls import path, re_path

from apps.api import (
    actions,
    batches,
    calls,
    events,
    exports,
    imports,
    insights,
    log,
    members,
    sorting,
    summaries,
    templates,
    training,
    transcripts,
    uploads,
    views,
    webhooks,
)
from apps.api.operations import OPERATIONS, view_of
from apps.api.problems import not_found

MODULES = (
    *(calls, transcripts, summaries, batches, exports, actions, events, uploads, webhooks),
    *(templates, sorting, members, log, insights, training, imports),
)
app_name = "api"

_BY_PATH = groupby(sorted(OPERATIONS, key=lambda item: item.path), key=lambda item: item.path)
urlpatterns = [
    path("openapi.json", views.openapi, name="openapi"),
    path("docs/", views.docs, name="docs"),
    *(
        path(place.replace("{", "<str:").replace("}", ">"), view_of({item.method: item for item in items}))
        for place, items in _BY_PATH
    ),
    re_path(r"^(?P<rest>.*)$", not_found),
]
