"""What pages say of webhooks: which events they are told, and whether one was stopped."""

from django import template
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.webhooks.models import TEST_KIND, Endpoint, Kind
from apps.webhooks.selectors import has_broken

register = template.Library()


@register.filter
def has_broken_webhook(user: object) -> bool:
    """Tell whether an endpoint that the person looks after was stopped without them."""
    return isinstance(user, User) and has_broken(user)


@register.filter
def kind_name(kind: str) -> str:
    """Write what an event is called."""
    return _("시험") if kind == TEST_KIND else str(Kind(kind).label) if kind in Kind.values else kind


@register.filter
def told(endpoint: Endpoint) -> str:
    """Write which events an endpoint is told, in their usual order."""
    return ", ".join(kind_name(kind) for kind in Kind.values if kind in endpoint.kinds)
