"""Declare an operation once; from the declaration come its address, the checks of a request, and its documentation.

An operation is a function of an `Ask` with pydantic models for query, body and answer. Every request passes the same
gate: token, rate, scope, body. Knows no calls.
"""

import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.views.decorators.csrf import csrf_exempt
from pydantic import BaseModel, ConfigDict

from apps.accounts.models import ApiToken, Scope, User
from apps.accounts.selectors import valid_token
from apps.accounts.services import note_use
from apps.api.idempotency import answer_once
from apps.api.problems import EXPECTED, Problem, problem, problem_of
from apps.api.throttle import count_request

logger = logging.getLogger(__name__)

_ENVELOPE_BYTES = 1024 * 1024
# Names in addresses that stand for whole numbers; every other is a UUID.
NUMBERED = frozenset({"membership_id", "team_id", "number"})
MAX_NUMBER = 2**31 - 1


class Incoming(BaseModel):
    """Base of what programs send: nothing unknown, and in a JSON body no value of another type."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def example(**fields: Any) -> ConfigDict:
    """Return the configuration of a body that is documented with an example."""
    return ConfigDict(json_schema_extra={"examples": [fields]})


class Nothing(Incoming):
    """No parameters."""


@dataclass(frozen=True)
class Ask:
    """One checked request. `query` and `body` are of the models that the operation declares.

    `ids` holds what the address names: whole numbers under the names of `NUMBERED`, UUIDs under any other.
    """

    request: HttpRequest
    actor: User
    ids: dict[str, Any]
    query: Any
    body: Any


@dataclass(frozen=True)
class Operation:
    """`path` is relative to /api/v1/ with ids in braces; `form` describes a multipart body beside `file`.

    `raw` leaves a body of bytes to the function; an answer that is not `repeatable` is not kept for its key; one that
    is `partial` can be had in byte ranges.
    """

    method: str
    path: str
    scope: Scope
    work: Callable[[Ask], Any]
    query: type[BaseModel]
    body: type[BaseModel] | None
    form: type[BaseModel] | None
    answer: type[BaseModel] | None
    media_types: tuple[str, ...]
    status: int
    raw: bool
    repeatable: bool
    partial: bool

    @property
    def summary(self) -> str:
        """Return the first line of the function's docstring."""
        return (self.work.__doc__ or "").strip().splitlines()[0]


OPERATIONS: list[Operation] = []


def operation(
    method: str,
    path: str,
    *,
    answer: type[BaseModel] | None = None,
    query: type[BaseModel] = Nothing,
    body: type[BaseModel] | None = None,
    form: type[BaseModel] | None = None,
    media_type: str | tuple[str, ...] = "application/json",
    status: int = 200,
    raw: bool = False,
    repeatable: bool = True,
    partial: bool = False,
) -> Callable[[Callable[[Ask], Any]], Callable[[Ask], Any]]:
    """Make the decorated function an operation; GET asks for the scope read, everything else for write."""

    def declare(work: Callable[[Ask], Any]) -> Callable[[Ask], Any]:
        scope = Scope.READ if method == "GET" else Scope.WRITE
        OPERATIONS.append(
            Operation(
                method=method,
                path=path,
                scope=scope,
                work=work,
                query=query,
                body=body,
                form=form,
                answer=answer,
                media_types=(media_type,) if isinstance(media_type, str) else media_type,
                status=status,
                raw=raw,
                repeatable=repeatable,
                partial=partial,
            )
        )
        return work

    return declare


def view_of(operations: dict[str, Operation]) -> Callable[..., HttpResponseBase]:
    """Return the Django view that answers the operations of one address, by method."""

    @login_not_required
    @csrf_exempt
    def view(request: HttpRequest, **ids: str) -> HttpResponseBase:
        headers: dict[str, str] = {}
        try:
            token = token_of(request)
            token.user.working_in = token.organization_id
            headers = count_request(token.pk)
            note_use(token=token)
            response: HttpResponseBase = _answer(request, token, operations, ids)
        except (Problem, *EXPECTED) as error:
            response = problem_of(error)
        except Exception:
            # A program reads problems, not pages. What broke is for the log alone.
            logger.exception("%s %s broke", request.method, request.path)
            response = problem(500, "internal")
        for name, value in headers.items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    return view


def token_of(request: HttpRequest) -> ApiToken:
    """Return the token that a request carries. Raises Problem when it is none that counts."""
    kind, _, text = request.headers.get("Authorization", "").partition(" ")
    token = valid_token(text.strip()) if kind.lower() == "bearer" else None
    if token is None:
        raise Problem(401, "unauthorized", headers={"WWW-Authenticate": 'Bearer realm="yoyak"'})
    return token


def _answer(
    request: HttpRequest, token: ApiToken, operations: dict[str, Operation], ids: dict[str, str]
) -> HttpResponseBase:
    wanted = operations.get(request.method or "")
    if wanted is None:
        raise Problem(405, "method_not_allowed", headers={"Allow": ", ".join(sorted(operations))})
    if wanted.scope not in token.scopes:
        raise Problem(403, "scope_missing", f"the token lacks the scope {wanted.scope.value}")
    keys = {name: _key(name, text) for name, text in ids.items()}
    query = wanted.query.model_validate(_texts(request.GET, "the query"))
    body = _body(request, wanted)

    def work() -> HttpResponseBase:
        return _response(wanted, wanted.work(Ask(request, token.user, keys, query, body)))

    return answer_once(request, token, work) if wanted.repeatable else work()


def _key(name: str, text: str) -> uuid.UUID | int:
    try:
        if name not in NUMBERED:
            return uuid.UUID(text)
        if text.isascii() and text.isdecimal() and 0 < int(text[:12]) <= MAX_NUMBER:
            return int(text)
    except ValueError:
        pass
    raise Http404("not an id")


def _body(request: HttpRequest, wanted: Operation) -> BaseModel | None:
    if wanted.form is not None and request.content_type == "multipart/form-data":
        _refuse_large(request, settings.ENV.max_upload_mb * 2**20 + _ENVELOPE_BYTES)
        fields = _texts(request.POST, "a field")
        _check_files(request)
        return wanted.form.model_validate(fields)
    if wanted.raw and request.content_type != "application/octet-stream":
        raise Problem(415, "unsupported_media_type", "send application/octet-stream")
    if wanted.form is not None and wanted.body is None:
        raise Problem(415, "unsupported_media_type", "send multipart/form-data")
    if wanted.body is None:
        return None
    if request.content_type != "application/json":
        raise Problem(415, "unsupported_media_type", "send application/json")
    _refuse_large(request, settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
    if b"\\u0000" in request.body or b"\0" in request.body:
        raise Problem(400, "malformed", "the body holds the character NUL")
    return wanted.body.model_validate_json(request.body, strict=True)


def _refuse_large(request: HttpRequest, limit_bytes: int) -> None:
    size = request.META.get("CONTENT_LENGTH") or "0"
    if not size.isdigit() or int(size) > limit_bytes:
        raise Problem(413, "too_large", f"{size} bytes were sent, the limit is {limit_bytes}")


def _texts(given: QueryDict, what: str) -> dict[str, str]:
    """Return the parameters of a query or the fields of a form. Of two with one name none would be lost unnoticed."""
    for name, values in given.lists():
        _check_text("".join(map(str, (name, *values))), what)
        if len(values) > 1:
            errors = [{"field": name, "detail": f"given {len(values)} times"}]
            raise Problem(422, "invalid", f"{name}: given {len(values)} times", errors=errors)
    return {name: str(text) for name, text in given.items()}


def _check_text(text: str, what: str) -> None:
    if "\0" in text:
        raise Problem(400, "malformed", f"{what} holds the character NUL")
    # What Django has put in the place of bytes that it could not read, such as CP949.
    if "\ufffd" in text:
        raise Problem(400, "malformed", f"{what} is not in UTF-8")


def _check_files(request: HttpRequest) -> None:
    """Refuse what an operation would not look at: it takes one file, in the part `file`.

    A part whose header is not in UTF-8, as a console in CP949 sends it, has not come at all.
    """
    parts = [part for part, files in request.FILES.lists() for _file in files]
    if parts != ["file"]:
        detail = f"file: one file is expected, with its name in UTF-8; {len(parts)} came"
        raise Problem(422, "invalid", detail, errors=[{"field": "file", "detail": detail}])


def _response(wanted: Operation, result: Any) -> HttpResponseBase:
    if isinstance(result, HttpResponseBase):
        return result
    if result is None:
        return HttpResponse(status=204)
    return HttpResponse(result.model_dump_json(), status=wanted.status, content_type="application/json")
