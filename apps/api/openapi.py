"""Write the OpenAPI document from the declared operations."""

import re
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from apps.api.operations import MAX_NUMBER, NUMBERED, Operation

_REF = "#/components/schemas/{model}"
_PROBLEM = {
    "type": "object",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
    },
    "required": ["type", "title", "status", "code", "detail"],
}
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
        models |= {model: "validation" for model in (item.body, item.form) if model is not None}
        models |= {item.answer: "serialization"} if item.answer is not None else {}
    _, schemas = models_json_schema(list(models.items()), ref_template=_REF)
    paths: dict[str, dict[str, Any]] = {}
    for item in declared:
        paths.setdefault(f"/{item.path}", {})[item.method.lower()] = _operation(item)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Yoyak", "version": "1"},
        "servers": [{"url": "/api/v1"}],
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "schemas": schemas.get("$defs", {}) | {"Problem": _PROBLEM},
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(item: Operation) -> dict[str, Any]:
    problem = {"description": "Problem", "content": {"application/problem+json": {"schema": _ref("Problem")}}}
    shape: dict[str, Any] = {
        "operationId": item.work.__name__,
        "summary": item.summary,
        "parameters": _parameters(item),
        "responses": {str(status): _success(item, status) for status in _statuses(item)} | {"default": problem},
    }
    if item.body is not None or item.form is not None or item.raw:
        shape["requestBody"] = {"required": True, "content": _bodies(item)}
    return shape


def _statuses(item: Operation) -> list[int]:
    return [item.status, *([206] if item.partial else [])]


def _success(item: Operation, status: int) -> dict[str, Any]:
    described: dict[str, Any] = {"description": _SUCCESS[status]}
    if status != 204:
        schema = _ref(item.answer.__name__) if item.answer else {"type": "string"}
        described["content"] = {item.media_type: {"schema": schema}}
    return described


def _bodies(item: Operation) -> dict[str, Any]:
    bodies: dict[str, Any] = {}
    if item.raw:
        bodies["application/octet-stream"] = {"schema": {"type": "string", "format": "binary"}}
    if item.body is not None:
        bodies["application/json"] = {"schema": _ref(item.body.__name__)}
    if item.form is not None:
        fields = {name: _as_text(one) for name, one in item.form.model_json_schema()["properties"].items()}
        file = {"type": "string", "contentMediaType": "application/octet-stream", "minLength": 1}
        schema = {"type": "object", "properties": {"file": file} | fields, "required": ["file"]}
        bodies["multipart/form-data"] = {"schema": schema | {"additionalProperties": False}}
    return bodies


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
    kept = {name: value for name, value in schema.items() if name != "anyOf" and value is not None}
    return kept | (options[0] if len(options) == 1 else {"anyOf": options} if options else {})
