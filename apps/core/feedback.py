"""Tell the person what happened: a message shown on the next page, in their language."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.utils.http import url_has_allowed_host_and_scheme

from apps.core.errors import YoyakError
from apps.jobs.reasons import describe


def explain(error: YoyakError) -> str:
    """Return the sentence for `error` in the active language."""
    return describe(error.code, error.values)


def see_other(target: Any, *arguments: Any) -> HttpResponseRedirect:
    """Redirect after a change so that reloading repeats nothing (303)."""
    response = HttpResponseRedirect(resolve_url(target, *arguments))
    response.status_code = 303
    return response


def back(request: HttpRequest, otherwise: str) -> HttpResponseRedirect:
    """Redirect to the page of this site that the form names as `next`, else to `otherwise`."""
    target = request.POST.get("next", "")
    # A redirect would take other texts for the name of a view.
    safe = target.startswith("/") and url_has_allowed_host_and_scheme(
        target, {request.get_host()}, require_https=request.is_secure()
    )
    return see_other(target if safe else otherwise)


def refusals_as_messages(fallback: str) -> Callable[[Callable[..., HttpResponse]], Callable[..., HttpResponse]]:
    """Turn a YoyakError of a view into a message on the page that the form came from, or on `fallback`."""

    def decorate(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            try:
                return view(request, *args, **kwargs)
            except YoyakError as error:
                messages.error(request, explain(error))
                return back(request, fallback)

        return guarded

    return decorate
