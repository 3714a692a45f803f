"""The pages of webhooks for administrators: the endpoints, and one of them with its log."""

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from apps.core.errors import YoyakError
from apps.core.feedback import explain, refusals_as_messages, see_other
from apps.core.paging import page_of
from apps.core.people import person
from apps.webhooks import services
from apps.webhooks.forms import ChangeForm, EndpointForm
from apps.webhooks.labels import ERRORS
from apps.webhooks.models import Delivery, Endpoint
from apps.webhooks.selectors import (
    access_administered,
    access_delivery,
    access_endpoint,
    access_endpoints,
    deliveries_of,
)
from apps.webhooks.signing import secret_of

# The session holds whose secret is to be shown next, not the secret.
_SHOWN_NEXT = "webhook_secret_of"


@require_http_methods(["GET", "HEAD", "POST"])
def endpoints(request: HttpRequest) -> HttpResponse:
    """Show the endpoints, and add one."""
    actor = person(request)
    house = access_administered(actor)
    form = EndpointForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            endpoint = services.add_endpoint(organization=house, actor=actor, **form.cleaned_data)
        except YoyakError as error:
            form.add_error("url", explain(error))
        else:
            return _show_secret(request, endpoint)
    context = {"endpoints": access_endpoints(actor), "form": form}
    return render(request, "webhooks/list.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def endpoint(request: HttpRequest, endpoint_id: uuid.UUID) -> HttpResponse:
    """Show one endpoint with its log, its secret just after it was made, and change it."""
    actor = person(request)
    found = access_endpoint(actor, endpoint_id)
    form = ChangeForm(request.POST or None, initial={**vars(found), "enabled": not found.stopped})
    if request.method == "POST" and form.is_valid():
        try:
            services.change_endpoint(endpoint=found, actor=actor, **form.cleaned_data)
        except YoyakError as error:
            form.add_error("url", explain(error))
        else:
            messages.success(request, _("웹훅을 바꾸었습니다."))
            return see_other("webhooks:endpoint", found.pk)
    fresh = request.method == "GET" and request.session.pop(_SHOWN_NEXT, "") == str(found.pk)
    page = page_of(request, deliveries_of(found))
    context = {
        "endpoint": access_endpoint(actor, endpoint_id),
        "form": form,
        "secret": secret_of(found) if fresh else "",
        "page": page,
        "rows": [_row(delivery) for delivery in page.object_list],
    }
    return render(request, "webhooks/endpoint.html", context, status=422 if form.errors else 200)


def _row(delivery: Delivery) -> dict[str, Any]:
    tries = list(delivery.tries.all())
    last = tries[-1] if tries else None
    outcome = (ERRORS.get(last.error, last.error) if last.error else "OK") if last else ""
    return {"delivery": delivery, "tries": len(tries), "last": last, "outcome": outcome}


def _show_secret(request: HttpRequest, endpoint: Endpoint) -> HttpResponse:
    request.session[_SHOWN_NEXT] = str(endpoint.pk)
    return see_other("webhooks:endpoint", endpoint.pk)


@require_POST
def rotate(request: HttpRequest, endpoint_id: uuid.UUID) -> HttpResponse:
    """Renew the secret and show it once."""
    actor = person(request)
    found = access_endpoint(actor, endpoint_id)
    services.rotate_secret(endpoint=found, actor=actor)
    return _show_secret(request, found)


@require_POST
@refusals_as_messages("webhooks:list")
def send_test(request: HttpRequest, endpoint_id: uuid.UUID) -> HttpResponse:
    """Send an event that says nothing."""
    actor = person(request)
    found = access_endpoint(actor, endpoint_id)
    services.send_test(endpoint=found, actor=actor)
    messages.success(request, _("시험 알림을 보냈습니다. 잠시 뒤 새로 고치면 결과가 보입니다."))
    return see_other("webhooks:endpoint", found.pk)


@require_POST
@refusals_as_messages("webhooks:list")
def replay(request: HttpRequest, delivery_id: uuid.UUID) -> HttpResponse:
    """Send the event of a delivery again."""
    actor = person(request)
    delivery = access_delivery(actor, delivery_id)
    services.replay(delivery=delivery, actor=actor)
    messages.success(request, _("다시 보냅니다."))
    return see_other("webhooks:endpoint", delivery.endpoint_id)


@require_POST
def delete(request: HttpRequest, endpoint_id: uuid.UUID) -> HttpResponse:
    """Remove an endpoint with its log."""
    actor = person(request)
    services.delete_endpoint(endpoint=access_endpoint(actor, endpoint_id), actor=actor)
    messages.success(request, _("웹훅을 지웠습니다."))
    return see_other("webhooks:list")
