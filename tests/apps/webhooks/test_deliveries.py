"""From the event to the receiver: what is told, signed, tried again, given up, replayed, and to whom."""

import json
import uuid
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from standardwebhooks import Webhook, WebhookVerificationError

from apps.accounts.models import AccessLog
from apps.calls.models import Call
from apps.jobs import batches, leases, sweeping
from apps.jobs.models import Batch, Job
from apps.summaries.services import approve_summary
from apps.webhooks import deliveries, services
from apps.webhooks.models import Attempt, Delivery, Endpoint, Kind
from apps.webhooks.signing import secret_of
from tests.apps.webhooks.receiver import Receiver
from tests.calls import finished_call, waiting_call
from tests.people import House, TwoHouses
from workers.tasks.webhooks import deliver_one


def _endpoint(house: House, url: str, *kinds: Kind) -> Endpoint:
    wanted = kinds or tuple(Kind)
    return services.add_endpoint(
        organization=house.organization, actor=house.admin, url=url, description="", kinds=wanted
    )


def _end(call: Call, *, fail: bool = False) -> None:
    """Let a worker end the job of `call`."""
    job = Job.objects.get(call=call)
    Job.objects.filter(pk=job.pk).update(stage="publish", state=Job.State.QUEUED)
    lease = leases.claim(job.pk)
    assert lease is not None
    if fail:
        leases.fail(lease, "not_audio", {})
    else:
        leases.finish(lease, lambda: None)


def _send_all() -> None:
    while deliver_one():
        pass


def test_what_happens_is_told_once_and_signed(houses: TwoHouses, receiver: Receiver) -> None:
    endpoint = _endpoint(houses.ours, receiver.url)
    good, bad = waiting_call(houses.ours, title="가"), waiting_call(houses.ours, title="나")
    _end(good)
    _end(bad, fail=True)
    _send_all()
    told = []
    for headers, body in receiver.got:
        assert Webhook(secret_of(endpoint)).verify(body, headers)
        told.append(json.loads(body))
    assert [event["type"] for event in told] == ["call.done", "call.failed"]
    assert [event["data"]["call"] for event in told] == [str(good.pk), str(bad.pk)]
    assert told[1]["data"]["reason_code"] == "not_audio"
    assert "가" not in receiver.got[0][1].decode(), "nothing of a call's content leaves"
    assert set(Delivery.objects.values_list("state", flat=True)) == {"done"}
    with pytest.raises(WebhookVerificationError):
        Webhook(secret_of(endpoint)).verify(receiver.got[0][1] + b" ", receiver.got[0][0])


def test_only_what_was_asked_for_and_only_in_the_house(houses: TwoHouses, receiver: Receiver) -> None:
    _endpoint(houses.ours, receiver.url, Kind.SUMMARY_APPROVED)
    _endpoint(houses.theirs, receiver.url)
    call = finished_call(houses.ours)
    approve_summary(summary=call.summaries.get(), actor=houses.ours.reviewer)
    _end(waiting_call(houses.ours, title="다른 통화"))
    _send_all()
    assert [json.loads(body)["type"] for _, body in receiver.got] == ["summary.approved"]


def test_an_event_that_is_rolled_back_is_not_told(houses: TwoHouses, inside: None) -> None:
    _endpoint(houses.ours, "http://127.0.0.1:9/")
    call = finished_call(houses.ours)
    with pytest.raises(RuntimeError), transaction.atomic():
        approve_summary(summary=call.summaries.get(), actor=houses.ours.reviewer)
        assert Delivery.objects.count() == 1
        raise RuntimeError
    assert not Delivery.objects.exists()


def test_a_batch_is_told_with_its_last_call(houses: TwoHouses, inside: None) -> None:
    _endpoint(houses.ours, "http://127.0.0.1:9/", Kind.BATCH_FINISHED)
    calls = [waiting_call(houses.ours, title=title) for title in "가나다"]
    house = houses.ours.organization
    batch = batches.start_batch(name="b", calls=calls, actor=houses.ours.agent, organization_id=house.pk)
    _end(calls[0])
    _end(calls[1], fail=True)
    assert not Delivery.objects.exists()
    assert batches.cancel_batch(batch=batch, jobs=batch.jobs.all(), actor=houses.ours.agent) == 1
    assert json.loads(Delivery.objects.get().body)["data"] == {"batch": str(batch.pk)}
    assert batches.cancel_batch(batch=batch, jobs=batch.jobs.all(), actor=houses.ours.agent) == 0
    assert Delivery.objects.count() == 1


def test_a_batch_that_is_filled_is_told_once(houses: TwoHouses, inside: None) -> None:
    _endpoint(houses.ours, "http://127.0.0.1:9/", Kind.BATCH_FINISHED)
    batch = batches.start_batch(
        name="b", calls=[], actor=None, organization_id=houses.ours.organization.pk, filling=True
    )
    for title in "가나":
        call = waiting_call(houses.ours, title=title)
        Job.objects.filter(call=call).update(batch=batch)
        _end(call)
        assert not Delivery.objects.exists()
    batches.close_batch(batch=batch)
    assert Delivery.objects.count() == 1
    left = batches.start_batch(name="b", calls=[], actor=None, organization_id=batch.organization_id, filling=True)
    Batch.objects.filter(pk=left.pk).update(created_at=timezone.now() - timedelta(days=2))
    batches.close_left_batches()
    left.refresh_from_db()
    assert not left.filling


def test_a_lost_worker_ends_the_batch_too(houses: TwoHouses, inside: None, settings: Any) -> None:
    _endpoint(houses.ours, "http://127.0.0.1:9/")
    call = waiting_call(houses.ours)
    house = houses.ours.organization
    batches.start_batch(name="b", calls=[call], actor=houses.ours.agent, organization_id=house.pk)
    past = timezone.now() - timedelta(minutes=5)
    Job.objects.update(state=Job.State.RUNNING, lease_expires_at=past, attempts=settings.ENV.max_attempts)
    sweeping.sweep()
    sweeping.sweep()
    assert sorted(Delivery.objects.values_list("kind", flat=True)) == ["batch.finished", "call.failed"]


def test_failures_are_tried_again_later_and_later(houses: TwoHouses, receiver: Receiver) -> None:
    _endpoint(houses.ours, receiver.url)
    _end(waiting_call(houses.ours))
    receiver.status = 500
    assert deliver_one()
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.attempts, delivery.lease_until) == ("waiting", 1, None)
    assert 8 <= (delivery.due_at - timezone.now()).total_seconds() <= 12
    assert not deliver_one(), "not yet due"
    Delivery.objects.update(due_at=timezone.now())
    receiver.status = 204
    assert deliver_one()
    assert [(row.status, row.error) for row in Attempt.objects.all()] == [(500, "status"), (204, "")]
    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 1
    assert Endpoint.objects.get().failures == 0


def test_pauses_grow_to_half_a_day() -> None:
    pauses = [deliveries.pause_s(attempt) for attempt in range(1, deliveries.MAX_ATTEMPTS)]
    assert all(a < b for a, b in pairwise(pauses[:6]))
    assert pauses[0] < 13 and max(pauses) < 15 * 3600
    assert 24 * 3600 < sum(pauses) < 3 * 24 * 3600


def test_a_delivery_is_given_up_after_its_last_try(houses: TwoHouses, receiver: Receiver) -> None:
    _endpoint(houses.ours, receiver.url)
    _end(waiting_call(houses.ours))
    receiver.status = 500
    Delivery.objects.update(attempts=deliveries.MAX_ATTEMPTS - 1)
    assert deliver_one()
    assert Delivery.objects.get().state == "failed"


def test_an_endpoint_that_fails_for_a_day_is_stopped(houses: TwoHouses, receiver: Receiver) -> None:
    endpoint = _endpoint(houses.ours, receiver.url)
    _end(waiting_call(houses.ours))
    receiver.status = 500
    Endpoint.objects.update(failures=deliveries.STOP_AFTER * 5, failing_since=timezone.now())
    deliver_one()
    assert Endpoint.objects.get().stopped == "", "many failures in a short time are one breakdown"
    Endpoint.objects.update(failing_since=timezone.now() - deliveries.STOP_AFTER_TIME)
    Delivery.objects.update(due_at=timezone.now())
    deliver_one()
    assert Endpoint.objects.get().stopped == "failures"
    assert AccessLog.objects.filter(action="stop_webhook", object_id=endpoint.pk).count() == 1
    Delivery.objects.update(due_at=timezone.now())
    assert not deliver_one(), "a stopped endpoint is left alone"
    receiver.status = 200
    endpoint.refresh_from_db()
    services.change_endpoint(
        endpoint=endpoint, actor=houses.ours.admin, url=endpoint.url, description="", kinds=list(Kind), enabled=True
    )
    assert deliver_one() and Delivery.objects.get().state == "done"


def test_gone_means_gone(houses: TwoHouses, receiver: Receiver) -> None:
    _endpoint(houses.ours, receiver.url)
    _end(waiting_call(houses.ours))
    receiver.status = 410
    deliver_one()
    assert (Endpoint.objects.get().stopped, Delivery.objects.get().state) == ("gone", "failed")


def test_redirects_are_not_followed(houses: TwoHouses, receiver: Receiver) -> None:
    _endpoint(houses.ours, receiver.url)
    _end(waiting_call(houses.ours))
    receiver.status, receiver.headers = 302, {"Location": receiver.url}
    deliver_one()
    assert len(receiver.got) == 1
    assert Attempt.objects.get().error == "redirect"


def test_a_new_secret_signs_beside_the_old_for_a_day(houses: TwoHouses, receiver: Receiver) -> None:
    endpoint = _endpoint(houses.ours, receiver.url)
    before = secret_of(endpoint)
    services.rotate_secret(endpoint=endpoint, actor=houses.ours.admin)
    assert secret_of(endpoint) != before
    services.send_test(endpoint=endpoint, actor=houses.ours.admin)
    deliver_one()
    (headers, body) = receiver.got[0]
    for secret in (before, secret_of(endpoint)):
        Webhook(secret).verify(body, headers)
    Endpoint.objects.update(rotated_at=timezone.now() - timedelta(hours=25))
    services.send_test(endpoint=endpoint, actor=houses.ours.admin)
    deliver_one()
    with pytest.raises(WebhookVerificationError):
        Webhook(before).verify(receiver.got[1][1], receiver.got[1][0])


def test_a_replay_keeps_the_event_and_is_a_delivery_of_its_own(houses: TwoHouses, receiver: Receiver) -> None:
    _endpoint(houses.ours, receiver.url)
    _end(waiting_call(houses.ours))
    _send_all()
    services.replay(delivery=Delivery.objects.get(), actor=houses.ours.admin)
    _send_all()
    assert receiver.got[0][1] == receiver.got[1][1]
    assert receiver.got[0][0]["webhook-id"] == receiver.got[1][0]["webhook-id"]
    assert Delivery.objects.filter(state="done").count() == 2


def test_one_sender_at_a_time(houses: TwoHouses, inside: None) -> None:
    endpoint = _endpoint(houses.ours, "http://127.0.0.1:9/")
    for _ in range(2):
        services.send_test(endpoint=endpoint, actor=houses.ours.admin)
    first = deliveries.claim_due()
    assert first is not None and deliveries.claim_due() is None, "one try at a time for an endpoint"
    Delivery.objects.filter(pk=first.delivery_id).update(lease_until=timezone.now())
    second = deliveries.claim_due()
    assert second is not None and (second.delivery_id, second.attempt) == (first.delivery_id, 2)
    deliveries.record_attempt(first, deliveries.Answer(200, "", 0.1))
    assert Delivery.objects.get(pk=first.delivery_id).state == "waiting", "who lost the lease changes nothing"
    endpoint.delete()
    deliveries.record_attempt(second, deliveries.Answer(200, "", 0.1))
    assert not Attempt.objects.exists()


def test_old_deliveries_are_forgotten(houses: TwoHouses, inside: None) -> None:
    endpoint = _endpoint(houses.ours, "http://127.0.0.1:9/")
    kept, old = (services.send_test(endpoint=endpoint, actor=houses.ours.admin) for _ in range(2))
    Delivery.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=31))
    deliveries.prune_deliveries()
    assert list(Delivery.objects.values_list("pk", flat=True)) == [kept.pk]
    assert uuid.UUID(str(kept.event_id))
