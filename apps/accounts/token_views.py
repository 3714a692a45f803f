"""One's own API tokens: what there is, a new one, shown this once, and the end of one."""

import uuid

from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts.forms import TokenForm
from apps.accounts.selectors import access_token, access_tokens, memberships_of
from apps.accounts.services import issue_token, revoke_token
from apps.core.feedback import refusals_as_messages, see_other
from apps.core.people import person


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@reauthentication_required(allow_get=True)  # type: ignore[untyped-decorator]
@refusals_as_messages("account_tokens")
def tokens(request: HttpRequest) -> HttpResponse:
    """Show the tokens, and make one: it outlives the session, so the person proves again who they are."""
    actor, form, token = person(request), TokenForm(request.POST or None), ""
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        here = memberships_of(actor).filter(organization=actor.working_in).first()
        house = here.organization if here else None
        asked = {"name": data["name"], "scopes": form.scopes(), "days": data["days"]}
        token = issue_token(actor=actor, organization=house, **asked)
        form = TokenForm()
    context = {"tokens": access_tokens(actor), "form": form, "token": token}
    return render(request, "account/tokens.html", context, status=201 if token else 422 if form.errors else 200)


@require_POST
def revoke(request: HttpRequest, token_id: uuid.UUID) -> HttpResponse:
    """End a token at once."""
    actor = person(request)
    revoke_token(token=access_token(actor, token_id), actor=actor)
    messages.success(request, _("토큰을 지웠습니다. 이 토큰을 쓰던 프로그램은 더는 들어올 수 없습니다."))
    return see_other("account_tokens")
