"""The ways in, and the page of one's own account."""

import logging
from typing import Any

from allauth.account.views import LoginView as AllauthLoginView
from allauth.mfa.base.views import IndexView
from allauth.socialaccount.providers.openid_connect import views as oidc
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_POST
from django_htmx.http import HttpResponseClientRefresh
from requests import RequestException

from apps.accounts.selectors import memberships_of
from apps.core.people import person

logger = logging.getLogger(__name__)


@method_decorator(login_not_required, name="dispatch")
class LoginView(AllauthLoginView):  # type: ignore[misc]
    """The login. A poll of a page whose session has ended reloads that page instead of nesting a login in it."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer a script's request with a reload."""
        if request.headers.get("HX-Request") == "true":
            return HttpResponseClientRefresh()
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        return response


@login_not_required
@require_POST
def company_login(request: HttpRequest, provider_id: str) -> HttpResponseBase:
    """Lead to the company's login page; 502 when its server does not say where that is."""
    try:
        response: HttpResponseBase = oidc.login(request, provider_id)
    except (RequestException, KeyError):
        logger.warning("the company login does not answer", exc_info=True)
        return render(request, "socialaccount/authentication_error.html", status=502)
    return response


class AccountView(IndexView):  # type: ignore[misc]
    """One's own name, organizations, password and second factor."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add where the person is a member."""
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return context | {"memberships": memberships_of(person(self.request))}
