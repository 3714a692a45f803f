"""Whether every page should tell the person that a webhook of theirs was stopped."""

from django import template

from apps.accounts.models import User
from apps.webhooks.selectors import has_broken

register = template.Library()


@register.filter
def has_broken_webhook(user: object) -> bool:
    """Tell whether an endpoint that the person looks after was stopped without them."""
    return isinstance(user, User) and has_broken(user)
