"""The documentation of the API: the OpenAPI document, and a page made from the same declarations."""

from functools import cache
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.api.openapi import document
from apps.api.operations import OPERATIONS
from apps.api.reference import operations_of, refusals_of, shapes_of


@cache
def _document() -> dict[str, Any]:
    """Write the document once: it says nothing of the person or the installation."""
    return document(OPERATIONS)


@login_not_required
@require_safe
def openapi(request: HttpRequest) -> HttpResponse:
    """Return the OpenAPI document. It tells nothing about the installation, so it asks for no token."""
    return JsonResponse(_document())


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    """Show every operation with its parameters, bodies and answers."""
    described = _document()
    context = {"groups": operations_of(described), "shapes": shapes_of(described), "refusals": refusals_of(described)}
    return render(request, "api/docs.html", context)
