"""Addresses of login and account. Without a namespace: allauth knows its pages by their plain names.

Only what this product uses is here: no sign-up and nothing by mail.
"""

from allauth.account import views as account
from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as totp
from allauth.socialaccount import views as company
from allauth.socialaccount.providers.openid_connect import views as oidc
from django.contrib.auth.decorators import login_not_required
from django.urls import path
from django.views.decorators.http import require_POST

from apps.accounts import token_views
from apps.accounts.views import AccountView, LoginView, company_login

urlpatterns = [
    path("login/", LoginView.as_view(), name="account_login"),
    path("login/code/", mfa.authenticate, name="mfa_authenticate"),
    path("login/inactive/", account.account_inactive, name="account_inactive"),
    path("login/cancelled/", company.login_cancelled, name="socialaccount_login_cancelled"),
    path("login/error/", company.login_error, name="socialaccount_login_error"),
    path("login/with/<slug:provider_id>/", company_login, name="openid_connect_login"),
    path("login/with/<slug:provider_id>/callback/", oidc.callback, name="openid_connect_callback"),
    path("logout/", login_not_required(require_POST(account.logout)), name="account_logout"),
    path("account/", AccountView.as_view(), name="mfa_index"),
    path("account/confirm/", account.reauthenticate, name="account_reauthenticate"),
    path("account/confirm/code/", mfa.reauthenticate, name="mfa_reauthenticate"),
    path("account/password/", account.password_change, name="account_change_password"),
    path("account/password/set/", account.password_set, name="account_set_password"),
    path("account/totp/activate/", totp.activate_totp, name="mfa_activate_totp"),
    path("account/totp/deactivate/", totp.deactivate_totp, name="mfa_deactivate_totp"),
    path("account/tokens/", token_views.tokens, name="account_tokens"),
    path("account/tokens/<uuid:token_id>/revoke/", token_views.revoke, name="account_revoke_token"),
    path("account/codes/", codes.view_recovery_codes, name="mfa_view_recovery_codes"),
    path("account/codes/generate/", codes.generate_recovery_codes, name="mfa_generate_recovery_codes"),
    path("account/codes/download/", codes.download_recovery_codes, name="mfa_download_recovery_codes"),
]
