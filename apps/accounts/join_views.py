"""Follow an invitation: with a new name and password, or as the person who is signed in already."""

from typing import Any

from allauth.account.internal.flows.login import perform_login
from allauth.account.models import Login
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from apps.accounts.forms import JoinForm
from apps.accounts.invitations import accept, accept_as_new
from apps.accounts.models import Invitation, User
from apps.accounts.selectors import valid_invitation
from apps.core.errors import YoyakError
from apps.core.feedback import explain, see_other

# Under this name the session remembers whose link was followed, for people who go on to their company's login.
INVITATION = "invitation"


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def join(request: HttpRequest, token: str) -> HttpResponseBase:
    """Show what the link leads to; make its holder a member on POST. A link that is over answers 410."""
    invitation = valid_invitation(token)
    if invitation is None:
        return render(request, "members/over.html", status=410)
    if request.method != "POST":
        request.session[INVITATION] = token
        return _page(request, invitation, JoinForm())
    try:
        return _join(request, invitation)
    except YoyakError as error:
        messages.error(request, explain(error))
        return see_other("members:join", token)


def _join(request: HttpRequest, invitation: Invitation) -> HttpResponseBase:
    if isinstance(request.user, User):
        accept(invitation=invitation, user=request.user)
        messages.success(request, _("%(name)s에 들어왔습니다.") % {"name": invitation.organization.name})
        return see_other("core:home")
    form = JoinForm(request.POST)
    if not form.is_valid():
        return _page(request, invitation, form, status=422)
    data = form.cleaned_data
    user = accept_as_new(invitation=invitation, username=data["username"], password=data["password1"])
    response: HttpResponseBase = perform_login(request, Login(user=user))
    return response


def _page(request: HttpRequest, invitation: Invitation, form: JoinForm, **kwargs: Any) -> HttpResponse:
    return render(request, "members/join.html", {"invitation": invitation, "form": form}, **kwargs)
