"""A small client of Yoyak's API, one file and nothing but Python's standard library: copy it into your program.

It knows the operations that most programs need (upload, wait, read, approve, batches, exports) and speaks to any other
through `Client.ask`.
"""

import hashlib
import http.client
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_ENDED = ("done", "failed", "cancelled")
_TRIES = 5
_TIMEOUT_S = 60.0
# What passes by itself: no answer at all, too many requests, a server that starts again behind its proxy.
_PASSING = (0, 429, 502, 503, 504)
_BROKEN = (OSError, http.client.HTTPException)


class ApiError(Exception):
    """The server refused; `code` is stable, `detail` a sentence, `values` what it tells of, such as the call that a
    duplicate is of. `status` is 0 when there was no answer at all."""

    def __init__(self, status: int, code: str, detail: str, values: Mapping[str, Any] | None = None) -> None:
        super().__init__(f"{status} {code}: {detail}")
        self.status, self.code, self.detail, self.values = status, code, detail, values or {}


@dataclass(frozen=True)
class Job:
    """How far the work on a call is; `share` goes from 0 to 1, `reason` is a sentence when it failed."""

    id: str
    call: str
    state: str
    stage: str
    share: float
    reason_code: str
    reason: str

    @property
    def ended(self) -> bool:
        """Tell whether nothing will change any more."""
        return self.state in _ENDED

    @classmethod
    def read(cls, fields: Mapping[str, Any]) -> "Job":
        """Return a job from an answer."""
        return cls(**{name: fields[name] for name in cls.__dataclass_fields__})


@dataclass(frozen=True)
class Call:
    id: str
    title: str
    created_at: str
    duration_s: float | None
    job: Job | None

    @classmethod
    def read(cls, fields: Mapping[str, Any]) -> "Call":
        """Return a call from an answer."""
        job = Job.read(fields["job"]) if fields["job"] else None
        return cls(fields["id"], fields["title"], fields["created_at"], fields["duration_s"], job)


@dataclass(frozen=True)
class Summary:
    """A version of a call's summary; `content` is the object that the API documents as CallSummary.

    `dues` says for each of its actions, in their order, when it is due: `due_on` (2026-12-01) and `due_time`, or None.
    """

    call: str
    version: int
    state: str
    model_version: str
    content: Mapping[str, Any]
    dues: Sequence[Mapping[str, str | None]]

    @property
    def title(self) -> str:
        """Return the title."""
        return str(self.content["title"])

    @property
    def one_line(self) -> str:
        """Return the call in one line."""
        return str(self.content["one_line"]["text"])

    @classmethod
    def read(cls, fields: Mapping[str, Any]) -> "Summary":
        """Return a summary from an answer."""
        return cls(**{name: fields[name] for name in cls.__dataclass_fields__})


@dataclass(frozen=True)
class Line:
    """A line of a transcript; `party` is "A" for who took the call, times are seconds."""

    number: int
    party: str
    start_s: float
    end_s: float
    text: str

    @classmethod
    def read(cls, fields: Mapping[str, Any]) -> "Line":
        """Return a line from an answer."""
        return cls(**{name: fields[name] for name in cls.__dataclass_fields__})


@dataclass(frozen=True)
class Batch:
    """Many calls summarized as one piece of work; `counts` has the calls by state and their `total`."""

    id: str
    name: str
    counts: Mapping[str, int]
    share: float
    paused: bool
    left_s: float | None

    @property
    def ended(self) -> bool:
        """Tell whether every call has ended, well or not."""
        return self.share >= 1.0

    @classmethod
    def read(cls, fields: Mapping[str, Any]) -> "Batch":
        """Return a batch from an answer."""
        return cls(**{name: fields[name] for name in cls.__dataclass_fields__})


class Client:
    """A program's way to one installation. `language` ("ko" or "en") is that of reasons and errors."""

    def __init__(self, address: str, token: str, language: str = "ko") -> None:
        self.base = f"{address.rstrip('/')}/api/v1"
        self._headers = {"Authorization": f"Bearer {token}", "Accept-Language": language}

    def upload(self, path: Path, *, title: str = "") -> Call:
        """Upload a recording in parts and start its summary. A broken connection is taken up where it broke."""
        with path.open("rb") as file:
            digest, size = hashlib.file_digest(file, "sha256").hexdigest(), file.tell()
            wanted = {"file_name": path.name, "size_bytes": size, "sha256": digest, "title": title}
            upload = self.ask("POST", "/uploads", wanted)
            place, offset = f"/uploads/{upload['id']}", 0
            while offset < size:
                file.seek(offset)
                offset = self._put_part(place, offset, file.read(upload["max_part_bytes"]))
        return Call.read(self._finish(place))

    def _finish(self, place: str) -> Any:
        """Ask again where no answer came: finishing twice gives the same call."""
        for attempt in range(_TRIES):
            try:
                return self.ask("POST", f"{place}/finish")
            except ApiError as error:
                if error.status not in _PASSING and error.code != "upload_busy":
                    raise
                time.sleep(2**attempt / 4)
        raise ApiError(0, "no_answer", f"{_TRIES} tries to finish the upload")

    def _put_part(self, place: str, offset: int, part: bytes) -> int:
        for attempt in range(_TRIES):
            try:
                return int(self.ask("PUT", f"{place}?offset={offset}", part)["offset"])
            except ApiError as error:
                if error.status not in _PASSING and error.code not in ("wrong_offset", "upload_busy"):
                    raise
                time.sleep(2**attempt / 4)
                received = int(self.ask("GET", place)["offset"])
                if received > offset:
                    return received
        raise ApiError(0, "no_answer", f"{_TRIES} tries to send the bytes from {offset} on")

    def calls(self, **filters: str) -> Iterator[Call]:
        """Yield the calls that `filters` (q, state, since, …) describe, newest first, from all pages."""
        yield from map(Call.read, self._pages("/calls", filters))

    def _pages(self, path: str, query: Mapping[str, str]) -> Iterator[Mapping[str, Any]]:
        cursor = ""
        while True:
            page = self.ask("GET", f"{path}?{urllib.parse.urlencode({**query, 'cursor': cursor})}")
            yield from page["items"]
            cursor = page["next_cursor"]
            if not cursor:
                return

    def call(self, call_id: str) -> Call:
        """Return a call with its newest job."""
        return Call.read(self.ask("GET", f"/calls/{call_id}"))

    def summary(self, call_id: str) -> Summary:
        """Return the summary that is shown for a call."""
        return Summary.read(self.ask("GET", f"/calls/{call_id}/summary"))

    def transcript(self, call_id: str) -> list[Line]:
        """Return the lines of a call in order."""
        return [Line.read(line) for line in self.ask("GET", f"/calls/{call_id}/transcript")["segments"]]

    def approve(self, call_id: str) -> Summary:
        """Approve the summary that is shown for a call."""
        return Summary.read(self.ask("POST", f"/calls/{call_id}/summary/approve"))

    def regenerate(self, call_id: str, *, template: str = "") -> Job:
        """Summarize a call again, with the template of that id, "default", or what was chosen for it before."""
        query = urllib.parse.urlencode({"template": template} if template else {})
        return Job.read(self.ask("POST", f"/calls/{call_id}/summary/regenerate?{query}"))

    def tag(self, name: str, call_ids: Sequence[str]) -> int:
        """Put a tag on calls and return on how many."""
        return int(self.ask("POST", "/tags", {"name": name, "calls": list(call_ids)})["calls"])

    def export(self, call_id: str, path: Path) -> None:
        """Save a call as a file in the format of its ending: txt, docx, pdf, srt, vtt, json or ics."""
        path.write_bytes(self._content("GET", f"/calls/{call_id}/export?format={path.suffix.lstrip('.')}"))

    def start_batch(
        self, name: str, call_ids: Sequence[str] | None = None, *, template: str = "", **filters: object
    ) -> Batch:
        """Summarize calls again as one batch: those of the ids or, without ids, all that `filters` describe."""
        wanted: dict[str, object] = {"name": name} | ({"template": template} if template else {})
        wanted |= {"filter": filters} if call_ids is None else {"calls": list(call_ids)}
        return Batch.read(self.ask("POST", "/batches", wanted))

    def batch(self, batch_id: str) -> Batch:
        """Return how far a batch is."""
        return Batch.read(self.ask("GET", f"/batches/{batch_id}"))

    def batch_jobs(self, batch_id: str) -> Iterator[Job]:
        """Yield the newest job of each call of a batch, from all pages."""
        yield from map(Job.read, self._pages(f"/batches/{batch_id}/jobs", {"limit": "100"}))

    def wait_for_batch(self, batch_id: str, *, every_s: float = 5.0, timeout_s: float = 86_400.0) -> Batch:
        """Return a batch once every call of it has ended.

        Raises:
            TimeoutError: they have not after `timeout_s`.
        """
        until = time.monotonic() + timeout_s
        while not (batch := self.batch(batch_id)).ended:
            if time.monotonic() >= until:
                raise TimeoutError(f"batch {batch_id} has not ended after {timeout_s} s")
            time.sleep(every_s)
        return batch

    def wait(self, call_id: str, *, timeout_s: float = 3600.0) -> Job:
        """Return the call's job once it has ended. A server that is away for a while is waited for.

        Raises:
            TimeoutError: it has not after `timeout_s`.
        """
        until = time.monotonic() + timeout_s
        while time.monotonic() < until:
            for job in self.follow(call_id):
                if job.ended:
                    return job
                if time.monotonic() >= until:
                    break
        raise TimeoutError(f"call {call_id} is not summarized after {timeout_s} s")

    def follow(self, call_id: str) -> Iterator[Job]:
        """Yield the call's job whenever it changes, for about a minute; by polling where no stream is to be had.

        A stream that breaks, or a server that does not answer, ends it early.
        """
        try:
            with self._open("GET", f"/calls/{call_id}/events") as stream:
                for line in stream:
                    if line.startswith(b"data: "):
                        yield Job.read(json.loads(line[6:]))
        except (ApiError, *_BROKEN) as error:
            if getattr(error, "status", 0) not in _PASSING:
                raise
            time.sleep(2.0)
            yield from self._poll(call_id)

    def _poll(self, call_id: str) -> Iterator[Job]:
        try:
            job = self.call(call_id).job
        except ApiError as error:
            if error.status not in _PASSING:
                raise
            return
        if job is not None:
            yield job

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """Send one request and return the JSON of its answer; bytes go as they are, everything else as JSON.

        Raises:
            ApiError: the server refused, or did not answer.
        """
        content = self._content(method, path, body)
        return json.loads(content) if content else None

    def _content(self, method: str, path: str, body: object = None) -> bytes:
        with self._open(method, path, body) as answer:
            try:
                return bytes(answer.read())
            except _BROKEN as error:
                raise ApiError(0, "no_answer", str(error)) from error

    def _open(self, method: str, path: str, body: object = None) -> Any:
        raw = isinstance(body, bytes)
        headers = self._headers | {"Content-Type": "application/octet-stream" if raw else "application/json"}
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, headers, method=method)  # noqa: S310
        try:
            return urllib.request.urlopen(request, timeout=_TIMEOUT_S)  # noqa: S310
        except urllib.error.HTTPError as error:
            raise _refusal(error) from None
        except _BROKEN as error:
            raise ApiError(0, "no_answer", str(error)) from error


def _refusal(error: urllib.error.HTTPError) -> ApiError:
    with error:
        try:
            problem = json.loads(error.read())
            return ApiError(error.code, problem["code"], problem["detail"], problem.get("values"))
        except (ValueError, KeyError, *_BROKEN):
            return ApiError(error.code, "unknown", error.reason)
