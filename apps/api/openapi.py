"""Write the OpenAPI document from the declared operations."""

import re
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from apps.api.operations import MAX_NUMBER, NUMBERED, Operation

_REF = "#/components/schemas/{model}"
_ABOUT = """A program acts as the person whose bearer token it sends: what that person may not see is "not found".

Lists come in pages: `limit`, and `cursor` from the `next_cursor` of the page before. A POST with an `Idempotency-Key`
is done once.
Every refusal is a problem document (RFC 9457) with a stable `code`."""
_PROBLEM = {
    "type": "object",
    "description": "A refusal. A program goes by `code`; `detail` is for people, in the language of Accept-Language.",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "Stable, whatever the language."},
        "detail": {"type": "string", "description": "A sentence that names the value and the limit."},
        "values": {
            "type": "object",
            "description": "What the sentence names, by name: the offset, the call, the limit.",
        },
        "errors": {
            "type": "array",
            "items": {"type": "object"},
            "description": "Every wrong field with `detail`; every wrong row of a table with column, code and reason.",
        },
    },
    "required": ["type", "title", "status", "code", "detail"],
    "examples": [
        {
            "type": "about:blank",
            "title": "Conflict",
            "status": 409,
            "code": "wrong_offset",
            "detail": "The upload goes on at another place: 100 bytes were sent, 0 have come.",
            "values": {"sent": 100, "offset": 0},
        }
    ],
}
# What an operation is refused with beyond its own reasons, by status.
_REFUSALS = {
    400: "Malformed: the body cannot be read, or a text is not in UTF-8 or holds the character NUL.",
    401: "No token, or one that is wrong, revoked or expired, or whose person is no member any more.",
    403: "The token lacks the scope.",
    404: "There is no such thing for this person.",
    409: "What is there by now stands against it; `code` says what.",
    413: "Too large; `detail` names the size and the limit.",
    415: "The body has another media type than those named here.",
    422: "`invalid`: parameters or fields are not as described, `errors` names each. Other codes: other reasons.",
    429: "Too many requests in this minute; Retry-After tells when to go on.",
}
_SCOPES = "`read` for GET, `write` for everything else. Made on the account page or by manage.py create_token."
_KEY = {"type": "string", "maxLength": 200, "pattern": "^[ -~]*$"}
_SUCCESS = {200: "OK", 201: "Created", 202: "Accepted", 204: "No content", 206: "Partial content"}
_UUID = {"type": "string", "format": "uuid"}
_NUMBER = {"type": "integer", "minimum": 1, "maximum": MAX_NUMBER}
_ID = re.compile(r"{(\w+)}")


def document(operations: Iterable[Operation]) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of `operations`."""
    declared = list(operations)
    models: dict[type[BaseModel], Any] = {}
    for item in declared:
        models |= {item.body: "validation"} if item.body is not None else {}
        models |= {item.answer: "serialization"} if item.answer is not None else {}
    _, schemas = models_json_schema(list(models.items()), ref_template=_REF)
    forms = {item.form.__name__: _form(item.form) for item in declared if item.form is not None}
    paths: dict[str, dict[str, Any]] = {}
    for item in declared:
        paths.setdefault(f"/{item.path}", {})[item.method.lower()] = _operation(item)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Yoyak", "version": "1", "description": _ABOUT},
        "servers": [{"url": "/api/v1"}],
        "security": [{"bearer": []}],
        "tags": [{"name": name} for name in dict.fromkeys(map(_tag, declared))],
        "paths": paths,
        "components": {
            "schemas": schemas.get("$defs", {}) | forms | {"Problem": _PROBLEM},
            "responses": {f"Problem{status}": _problem(about) for status, about in _REFUSALS.items()},
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "description": _SCOPES}},
        },
    }


def _operation(item: Operation) -> dict[str, Any]:
    answers = {str(status): _success(item, status) for status in _statuses(item)}
    refusals = {str(status): {"$ref": f"#/components/responses/Problem{status}"} for status in _refusals(item)}
    shape: dict[str, Any] = {
        "operationId": item.work.__name__,
        "summary": item.summary,
        "tags": [_tag(item)],
        "security": [{"bearer": [item.scope.value]}],
        "parameters": _parameters(item),
        "responses": answers | refusals | {"default": _problem("Any other refusal.")},
    }
    if item.body is not None or item.form is not None or item.raw:
        shape["requestBody"] = {"required": True, "content": _bodies(item)}
    return shape


def _tag(item: Operation) -> str:
    return item.path.split("/")[0]


def _problem(about: str) -> dict[str, Any]:
    return {"description": about, "content": {"application/problem+json": {"schema": _ref("Problem")}}}


def _refusals(item: Operation) -> list[int]:
    """Return the statuses of `_REFUSALS` that `item` can be refused with."""
    takes_body = item.body is not None or item.form is not None or item.raw
    without = set() if "{" in item.path else {404}
    without |= set() if takes_body else {413, 415}
    without |= {409} if item.method == "GET" else set()
    return [status for status in _REFUSALS if status not in without]


def _statuses(item: Operation) -> list[int]:
    return [item.status, *([206] if item.partial else [])]


def _success(item: Operation, status: int) -> dict[str, Any]:
    described: dict[str, Any] = {"description": _SUCCESS[status]}
    if status != 204:
        schema = _ref(item.answer.__name__) if item.answer else {"type": "string"}
        described["content"] = {kind: {"schema": schema} for kind in item.media_types}
    return described


def _bodies(item: Operation) -> dict[str, Any]:
    bodies: dict[str, Any] = {}
    if item.raw:
        bodies["application/octet-stream"] = {"schema": {"type": "string", "format": "binary"}}
    if item.body is not None:
        bodies["application/json"] = {"schema": _ref(item.body.__name__)}
    if item.form is not None:
        bodies["multipart/form-data"] = {"schema": _ref(item.form.__name__)}
    return bodies


def _form(model: type[BaseModel]) -> dict[str, Any]:
    """Return the schema of a form: a file and the fields beside it."""
    described = model.model_json_schema()
    fields = {name: _as_text(one) for name, one in described["properties"].items()}
    file = {"type": "string", "contentMediaType": "application/octet-stream", "minLength": 1}
    shape = {"type": "object", "properties": {"file": file} | fields, "required": ["file"]}
    return shape | {"additionalProperties": False, "description": described["description"]}


def _parameters(item: Operation) -> list[dict[str, Any]]:
    places = [
        {"name": name, "in": "path", "required": True, "schema": _NUMBER if name in NUMBERED else _UUID}
        for name in _ID.findall(item.path)
    ]
    query = item.query.model_json_schema()
    asked = [
        {"name": name, "in": "query", "required": name in query.get("required", []), "schema": _as_text(schema)}
        for name, schema in query.get("properties", {}).items()
    ]
    key = [{"name": "Idempotency-Key", "in": "header", "schema": _KEY}]
    return places + asked + (key if item.method == "POST" and item.repeatable else [])


def _ref(name: str) -> dict[str, str]:
    return {"$ref": _REF.format(model=name)}


def _as_text(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a query or form field: these are left out rather than null."""
    options = [one for one in schema.get("anyOf", []) if one != {"type": "null"}]
    kept = {name: value for name, value in schema.items() if name not in ("anyOf", "title") and value is not None}
    return kept | (options[0] if len(options) == 1 else {"anyOf": options} if options else {})
