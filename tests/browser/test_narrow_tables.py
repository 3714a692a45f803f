"""The tables that tell more than fits on a telephone stand there in lines: nobody scrolls sideways for a word."""

from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Page

from apps.accounts.log import record_log_export
from apps.accounts.models import Scope
from apps.accounts.services import create_token
from apps.webhooks.models import Attempt, Delivery, Endpoint
from tests.browser.signed_in import signed_in
from tests.people import TwoHouses

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]
_HIDDEN = "[...document.querySelectorAll('.table-wrap')].map(wrap => wrap.scrollWidth - wrap.clientWidth)"


def _endpoint(houses: TwoHouses) -> Endpoint:
    """Return an endpoint with one delivery that failed, with the longest words that its row may hold."""
    endpoint = Endpoint.objects.create(organization=houses.ours.organization, url="https://crm.example.com/hooks")
    delivery = Delivery.objects.create(
        endpoint=endpoint, event_id=endpoint.pk, kind="batch.finished", body="{}", state=Delivery.State.FAILED
    )
    Attempt.objects.create(delivery=delivery, number=1, status=500, error="status", elapsed_s=200.0)
    return endpoint


def _hidden(page: Page, url: str) -> list[int]:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(url)
    return list(page.evaluate(_HIDDEN))


def test_no_table_hides_words_on_a_telephone(houses: TwoHouses, live_server: Any) -> None:
    endpoint = _endpoint(houses)
    create_token(user=houses.ours.admin, name="고객 관리", scopes=[Scope.READ, Scope.WRITE], days=1)
    record_log_export(actor=houses.ours.admin)
    with signed_in(live_server.url, houses.ours.admin) as page:
        assert _hidden(page, f"{live_server.url}/webhooks/{endpoint.pk}/") == [0]
        assert page.get_by_role("button", name="다시 보내기").is_visible()
        assert _hidden(page, f"{live_server.url}/access-log/") == [0]
        assert _hidden(page, f"{live_server.url}{reverse('account_tokens')}") == [0]
    with signed_in(live_server.url, houses.ours.operator) as page:
        assert _hidden(page, f"{live_server.url}/installation/") == [0, 0]
