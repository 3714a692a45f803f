"""What allauth asks this product: who may sign in and sign up, where people go, what a network address is.

Knows requests and people; what their pages look like is in the templates.
"""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialAccount, SocialLogin
from axes.helpers import get_client_ip_address
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from apps.accounts.join_views import INVITATION
from apps.accounts.models import User
from apps.accounts.selectors import signs_in, valid_invitation


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """People are made by invitation only, and whoever was taken out stays out."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Refuse: nobody makes an account without an invitation."""
        return False

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Leave the counting of wrong passwords to axes."""

    def pre_login(self, request: HttpRequest, user: User, **kwargs: Any) -> HttpResponse | None:
        """Stop a person who was disabled everywhere, whichever way they came."""
        if not signs_in(user):
            return render(request, "account/account_inactive.html", status=403)
        stopped: HttpResponse | None = super().pre_login(request, user, **kwargs)
        return stopped

    def get_client_ip(self, request: HttpRequest) -> str:
        """Return the address that wrong passwords are counted by."""
        return str(get_client_ip_address(request) or "")

    def send_notification_mail(self, *args: Any, **kwargs: Any) -> None:
        """Send nothing: an installation has no mail server."""


class CompanyAccountAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """A company account that is new here is taken only from somebody who follows an invitation."""

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Keep no mail addresses: nothing is sent, and nobody is recognized by one."""
        sociallogin.email_addresses = []

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        """Allow it while the session holds an invitation that can be accepted."""
        return valid_invitation(str(request.session.get(INVITATION, ""))) is not None

    def is_auto_signup_allowed(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        """Ask nothing more of whoever the company knows."""
        return True

    def get_connect_redirect_url(self, request: HttpRequest, socialaccount: SocialAccount) -> str:
        """Return to the account page after a person has connected their company account."""
        return reverse("mfa_index")

    def populate_user(self, request: HttpRequest, sociallogin: SocialLogin, data: dict[str, Any]) -> User:
        """Take over the name, not the mail address."""
        user: User = super().populate_user(request, sociallogin, data | {"email": ""})
        user.username = user.username or str(data.get("email") or "").partition("@")[0]
        return user
