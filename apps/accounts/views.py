"""The way in, and the page of one's own account."""

from typing import Any

from allauth.account.views import LoginView as AllauthLoginView
from allauth.mfa.base.views import IndexView
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django_htmx.http import HttpResponseClientRefresh

from apps.accounts.selectors import memberships_of
from apps.core.people import person


class LoginView(AllauthLoginView):  # type: ignore[misc]
    """The login. A poll of a page whose session has ended reloads that page instead of nesting a login in it."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer a script's request with a reload."""
        if request.headers.get("HX-Request") == "true":
            return HttpResponseClientRefresh()
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        return response


class AccountView(IndexView):  # type: ignore[misc]
    """One's own name, organizations, password and second factor."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add where the person is a member."""
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return context | {"memberships": memberships_of(person(self.request)).select_related("team")}
