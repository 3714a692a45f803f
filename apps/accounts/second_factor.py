"""Keep people whose organization requires a second factor on the page that sets one up, until they have."""

from collections.abc import Callable
from typing import Any

from allauth.mfa.models import Authenticator
from django.contrib import messages
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django_htmx.http import HttpResponseClientRefresh

from apps.accounts.models import User
from apps.accounts.selectors import memberships_of

# What somebody without a second factor may still open: setting it up, proving who they are, and leaving.
_OPEN = {
    "mfa_activate_totp",
    "account_reauthenticate",
    "account_logout",
    "account_set_password",
    "core:set_language",
    "core:healthz",
    "core:readyz",
}


class SecondFactorMiddleware:
    """Lead every other request of such a person to the setup."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Pass the request on."""
        return self._get_response(request)

    def process_view(self, request: HttpRequest, *_args: Any) -> HttpResponseBase | None:
        """Stop a request before its view when a second factor is missing."""
        place = request.resolver_match.view_name if request.resolver_match else ""
        if not isinstance(request.user, User) or place in _OPEN or not lacks_second_factor(request.user):
            return None
        if request.headers.get("HX-Request") == "true":
            return HttpResponseClientRefresh()
        messages.warning(request, _("조직에서 2단계 인증을 요구합니다. 인증 앱을 연결해 주세요."))
        return redirect("mfa_activate_totp")


def lacks_second_factor(user: User) -> bool:
    """Tell whether an organization of `user` requires a second factor that they have not set up."""
    if not memberships_of(user).filter(organization__require_totp=True).exists():
        return False
    return not Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).exists()
