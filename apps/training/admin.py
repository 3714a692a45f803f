"""Requests for training in Django's admin, to read; starting one is an action on the organization."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest

from apps.training.models import RetrainRequest

if TYPE_CHECKING:
    RequestBase = admin.ModelAdmin[RetrainRequest]
else:
    RequestBase = admin.ModelAdmin


@admin.register(RetrainRequest)
class RetrainRequestAdmin(RequestBase):
    list_display = ["created_at", "organization", "recipe", "approved_pairs", "requested_by", "started_at"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """A request is made by the action on the organization."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What was asked for stays as it was."""
        return False
