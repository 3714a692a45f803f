"""What pages say of webhooks: which events they are told."""

from django import template
from django.utils.translation import gettext as _

from apps.webhooks.models import TEST_KIND, Endpoint, Kind

register = template.Library()


@register.filter
def kind_name(kind: str) -> str:
    """Write what an event is called."""
    return _("시험") if kind == TEST_KIND else str(Kind(kind).label) if kind in Kind.values else kind


@register.filter
def told(endpoint: Endpoint) -> str:
    """Write which events an endpoint is told, in their usual order."""
    return ", ".join(kind_name(kind) for kind in Kind.values if kind in endpoint.kinds)
