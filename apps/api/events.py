"""The progress of a call as server-sent events, for programs that would otherwise ask every second.

A stream holds a thread of the web server, so it is short, and there are few at a time: past `MAX_STREAMS` in a process
the answer is 503 with Retry-After, and polling goes on working. A client connects again when a stream has ended.
Source: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import time
import uuid
from collections.abc import Callable, Iterator
from threading import BoundedSemaphore

from django.http import Http404, HttpRequest, StreamingHttpResponse
from django.utils import translation

from apps.api.operations import Ask, operation, token_of
from apps.api.problems import Problem
from apps.api.shapes import JobOut
from apps.calls.selectors import access_call
from apps.jobs.models import Job
from apps.jobs.selectors import latest_job_by_call

# `manage.py up` serves with 16 threads: ten stay for everything else.
MAX_STREAMS = 6
STREAM_S, LOOK_EVERY_S, HEARTBEAT_S = 55.0, 1.0, 10.0
_RECONNECT_MS = 2000
_free = BoundedSemaphore(MAX_STREAMS)


@operation("GET", "calls/{call_id}/events", media_type="text/event-stream")
def follow_call(ask: Ask) -> StreamingHttpResponse:
    """Follow the newest job of a call as server-sent events: `progress` with a JobOut, `end` with the last one."""
    call = access_call(ask.actor, ask.ids["call_id"])
    if not latest_job_by_call([call.pk]):
        raise Http404("nothing is being done")
    stream = Stream(call.pk, translation.get_language() or "ko", lambda: _reaches(ask.request, call.pk))
    response = StreamingHttpResponse(stream, content_type="text/event-stream; charset=utf-8")
    response["X-Accel-Buffering"] = "no"
    return response


def _reaches(request: HttpRequest, call_id: uuid.UUID) -> bool:
    """Tell whether the token of `request` still opens the call: a stream is older than a change of members."""
    try:
        access_call(token_of(request).user, call_id)
    except (Problem, Http404):
        return False
    return True


class Stream:
    """The events of one call. It takes one of the free places and gives it back in `close`, which Django calls.

    `reaches` tells before each look whether the listener may still know.
    """

    def __init__(self, call_id: uuid.UUID, language: str, reaches: Callable[[], bool]) -> None:
        if not _free.acquire(blocking=False):
            raise Problem(503, "too_many_streams", "poll the job instead", headers={"Retry-After": "5"})
        self.call_id, self.language, self.reaches, self._holds_place = call_id, language, reaches, True

    def close(self) -> None:
        """Give the place back, once."""
        if self._holds_place:
            self._holds_place = False
            _free.release()

    def __iter__(self) -> Iterator[bytes]:
        """Yield an event whenever something changed, comments in between, and end with the job or after a while."""
        yield f"retry: {_RECONNECT_MS}\n\n".encode()
        ends, shown, spoke_at = time.monotonic() + STREAM_S, "", time.monotonic()
        while time.monotonic() < ends and self.reaches():
            job = latest_job_by_call([self.call_id]).get(self.call_id)
            if job is None:
                return
            text = self._shown(job)
            if job.is_final:
                yield f"event: end\ndata: {text}\n\n".encode()
                return
            if text != shown or time.monotonic() - spoke_at >= HEARTBEAT_S:
                yield (f"event: progress\ndata: {text}\n\n" if text != shown else ": still here\n\n").encode()
                shown, spoke_at = text, time.monotonic()
            time.sleep(LOOK_EVERY_S)

    def _shown(self, job: Job) -> str:
        with translation.override(self.language):
            return JobOut.of(job).model_dump_json()
