"""Errors of the API as RFC 9457 problem documents, in the language that the program asks for."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import BadRequest, RequestDataTooBig, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.views.decorators.csrf import csrf_exempt
from pydantic import ValidationError

from apps.core.cursor import BadCursor
from apps.core.errors import YoyakError
from apps.core.feedback import explain

_STATUS = {
    "duplicate": 409,
    "not_approvable": 409,
    "summary_changed": 409,
    "too_large": 413,
    "not_allowed": 403,
    "operators_only": 403,
    "pdf_missing": 501,
    "line_changed": 409,
    "last_admin": 409,
    "team_exists": 409,
    "team_in_use": 409,
    "team_has_templates": 409,
    "too_many_teams": 409,
    "template_name_taken": 409,
    "search_name_taken": 409,
    "too_many_searches": 409,
    "too_many_tags": 409,
    "import_started": 409,
    "too_many_imports": 409,
    "wrong_offset": 409,
    "upload_busy": 409,
    "upload_finished": 409,
    "incomplete_upload": 409,
    "part_too_large": 413,
    "too_many_uploads": 409,
    "too_many_webhooks": 409,
    "webhook_stopped": 409,
}
_SHORT_CHARS = 40
EXPECTED = (
    YoyakError,
    Http404,
    ValidationError,
    BadCursor,
    BadRequest,
    SuspiciousOperation,
    MultiPartParserError,
    UnreadablePostError,
)


class Problem(Exception):
    """A request that cannot be answered; becomes a problem document."""

    permanent = True

    def __init__(
        self, status: int, code: str, detail: str = "", headers: Mapping[str, str] | None = None, **more: Any
    ) -> None:
        super().__init__(f"{status} {code} {detail}")
        self.status, self.code, self.detail, self.headers = status, code, detail, dict(headers or {})
        self.more = more


def problem_of(error: Exception) -> HttpResponse:
    """Return the problem document for an error in `EXPECTED` or a `Problem`."""
    match error:
        case Problem():
            return problem(error.status, error.code, error.detail, headers=error.headers, **error.more)
        case YoyakError():
            values = {name: _plain(value) for name, value in error.values.items()}
            return problem(_STATUS.get(error.code, 422), error.code, explain(error), values=values)
        case ValidationError():
            # Where only a rule of ours spoke, the document could not say it: two sections of one name, for example.
            code = "inconsistent" if {item["type"] for item in error.errors()} == {"value_error"} else "invalid"
            errors = [
                {"field": ".".join(map(str, item["loc"])), "detail": item["msg"] + _given(item)}
                for item in error.errors()
            ]
            return problem(422, code, "; ".join(f"{e['field']}: {e['detail']}" for e in errors[:3]), errors=errors)
        case Http404():
            return problem(404, "not_found")
        case RequestDataTooBig():
            return problem(413, "too_large", f"the limit is {settings.DATA_UPLOAD_MAX_MEMORY_SIZE} bytes")
        case BadCursor():
            return problem(422, "bad_cursor", "cursor: not one of ours")
        case _:
            return problem(400, "malformed", "the body cannot be read")


def _plain(value: object) -> object:
    return value if isinstance(value, int | float | str) else str(value)


def _given(item: Mapping[str, Any]) -> str:
    """Return what was given where a rule was broken, in brackets: short texts and numbers, of others how long."""
    match item["type"], item["input"]:
        case (("missing" | "json_invalid"), _) | (_, ""):
            return ""
        case _, (str() | list()) as long if len(long) > _SHORT_CHARS:
            return f" ({len(long)})"
        case _, (str() | int() | float()) as short:
            return f" ({str(short)[:_SHORT_CHARS]})"
    return ""


def problem(
    status: int, code: str, detail: str = "", *, headers: Mapping[str, str] | None = None, **more: Any
) -> HttpResponse:
    """Return a problem document."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "code": code, "detail": detail}
    return JsonResponse(body | more, status=status, content_type="application/problem+json", headers=headers)


@login_not_required
@csrf_exempt
def not_found(request: HttpRequest, rest: str = "") -> HttpResponse:
    """Answer an address that the API does not have."""
    return problem(404, "not_found")
