"""Answer a repeated request once: the answer of a POST with an Idempotency-Key is kept for a day and given again.

Only successes are kept; after a refusal or a crash the same key may try again.
"""

import json
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone

from apps.accounts.models import ApiToken
from apps.api.models import KeptAnswer
from apps.api.problems import Problem
from apps.calls.models import Call

_KEPT = timedelta(days=1)
# A request still "being worked on" after so long was lost with its process.
_LOST_AFTER = timedelta(minutes=10)
_MAX_KEY_CHARS = 200


def answer_once(request: HttpRequest, token: ApiToken, work: Callable[[], HttpResponseBase]) -> HttpResponseBase:
    """Return the kept answer of the request's key, or do `work` and keep what it answers.

    Raises:
        Problem: the key is unusable (400), was used for another request (422), or is being worked on (409).
    """
    key = request.headers.get("Idempotency-Key", "")
    if not key or request.method != "POST":
        return work()
    if len(key) > _MAX_KEY_CHARS or not key.isprintable() or not key.isascii():
        raise Problem(400, "bad_idempotency_key")
    kept = _claim(token, key, _fingerprint(request))
    if kept.status:
        headers = {"Idempotency-Replayed": "true"}
        return HttpResponse(kept.body, status=kept.status, content_type="application/json", headers=headers)
    try:
        response = work()
    except BaseException:
        kept.delete()
        raise
    if not isinstance(response, HttpResponse):
        raise TypeError("the answer of a POST is never a stream")
    kept.status, kept.body = response.status_code, response.content.decode()
    kept.save(update_fields=["status", "body"])
    return response


def _fingerprint(request: HttpRequest) -> str:
    """Return what tells requests apart: of a form fields and files, for each sending of it has other borders."""
    digest = sha256(request.get_full_path().encode() + b"\0")
    if request.content_type != "multipart/form-data":
        digest.update(request.body)
        return digest.hexdigest()
    digest.update(json.dumps(sorted(request.POST.items())).encode())
    for name, (file,) in sorted(request.FILES.lists()):
        digest.update(json.dumps([name, file.name, file.size]).encode())
        for block in file.chunks():
            digest.update(block)
        file.seek(0)
    return digest.hexdigest()


def prune_answers() -> None:
    """Remove the answers whose day is over."""
    KeptAnswer.objects.filter(created_at__lt=timezone.now() - _KEPT).delete()


def forget_answers(instance: Call, **_: Any) -> None:
    """Remove the answers that tell of a call which is about to be deleted: with it goes all that was said in it."""
    KeptAnswer.objects.filter(body__contains=str(instance.pk)).delete()


def _claim(token: ApiToken, key: str, fingerprint: str) -> KeptAnswer:
    now, mine = timezone.now(), KeptAnswer.objects.filter(token=token)
    over = Q(created_at__lt=now - _KEPT) | Q(status=0, created_at__lt=now - _LOST_AFTER)
    mine.filter(over, key=key).delete()
    try:
        with transaction.atomic():
            return KeptAnswer.objects.create(token=token, key=key, fingerprint=fingerprint)
    except IntegrityError:
        kept = mine.filter(key=key).first()
    if kept is None or not kept.status:
        raise Problem(409, "in_progress", headers={"Retry-After": "1"})
    if kept.fingerprint != fingerprint:
        raise Problem(422, "key_reused", "the Idempotency-Key was used for another request")
    return kept
