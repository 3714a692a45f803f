"""Read webhooks through the acting administrator. To anybody else there are none."""

from uuid import UUID

from django.db.models import Prefetch, QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404

from apps.accounts.models import Membership, Organization, User
from apps.accounts.roles import Right, roles_with
from apps.accounts.selectors import memberships_of
from apps.webhooks.models import Attempt, Delivery, Endpoint


def _administered(actor: User) -> QuerySet[Membership]:
    return memberships_of(actor).filter(role__in=roles_with(frozenset({Right.SET_UP})))


def access_administered(actor: User) -> Organization:
    """Return the organization whose webhooks `actor` looks after.

    Raises:
        Http404: the person administers none.
    """
    membership = _administered(actor).first()
    if membership is None:
        raise Http404("no organization to administer")
    return membership.organization


def access_endpoints(actor: User) -> QuerySet[Endpoint]:
    """Return the endpoints of the organizations that `actor` administers, newest first."""
    houses = _administered(actor).values("organization_id")
    return Endpoint.objects.filter(organization__in=houses.order_by()).order_by("-created_at", "pk")


def access_endpoint(actor: User, endpoint_id: UUID) -> Endpoint:
    """Return one endpoint or raise Http404."""
    return get_object_or_404(access_endpoints(actor), pk=endpoint_id)


def access_delivery(actor: User, delivery_id: UUID) -> Delivery:
    """Return one delivery or raise Http404."""
    mine = Delivery.objects.filter(endpoint__in=access_endpoints(actor).order_by())
    return get_object_or_404(mine.select_related("endpoint"), pk=delivery_id)


def deliveries_of(endpoint: Endpoint) -> QuerySet[Delivery]:
    """Return the log of an endpoint, newest first, each delivery with its tries."""
    tries = Prefetch("tries", queryset=Attempt.objects.order_by("number"))
    return endpoint.deliveries.order_by("-created_at", "pk").prefetch_related(tries)


def has_broken(actor: User) -> bool:
    """Tell whether an endpoint that `actor` looks after was stopped without them."""
    return access_endpoints(actor).exclude(stopped__in=["", Endpoint.Stop.PERSON]).exists()
