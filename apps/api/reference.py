"""The OpenAPI document as people read it: operations by what they are about, fields with their types in a word.

Knows the document, not the operations behind it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Schema = Mapping[str, Any]
_REF = "#/components/schemas/"


@dataclass(frozen=True)
class Field:
    """A parameter (`place` is path, query or header) or a field of a shape; `shape` names the one that `type` is."""

    name: str
    type: str
    shape: str = ""
    required: bool = False
    place: str = ""
    about: str = ""


@dataclass(frozen=True)
class Operation:
    """One method of one address, with the types of its bodies and of its answer, an example of the body as JSON, and
    the statuses with which it is refused."""

    key: str
    method: str
    path: str
    about: str
    fields: tuple[Field, ...]
    bodies: tuple[Field, ...]
    answers: tuple[Field, ...]
    example: str
    refusals: tuple[str, ...]


@dataclass(frozen=True)
class Shape:
    name: str
    about: str
    fields: tuple[Field, ...]


def operations_of(document: Schema) -> list[tuple[str, list[Operation]]]:
    """Return the operations by the first word of their addresses."""
    found = [
        _operation(f"/api/v1{path}", method, shape, document["components"]["schemas"])
        for path, methods in document["paths"].items()
        for method, shape in methods.items()
    ]
    groups: dict[str, list[Operation]] = {}
    for one in found:
        groups.setdefault(one.path.split("/")[3], []).append(one)
    return list(groups.items())


def shapes_of(document: Schema) -> list[Shape]:
    """Return the shapes of bodies and answers, by name."""
    return [
        Shape(name, shape.get("description", ""), _fields(shape))
        for name, shape in sorted(document["components"]["schemas"].items())
    ]


def refusals_of(document: Schema) -> list[tuple[str, str]]:
    """Return what each status of a refusal means."""
    known = document["components"]["responses"]
    return [(name.removeprefix("Problem"), answer["description"]) for name, answer in known.items()]


def _operation(path: str, method: str, shape: Schema, schemas: Schema) -> Operation:
    fields = [
        _field(one["name"], one["schema"], required=one.get("required", False), place=one["in"])
        for one in shape["parameters"]
    ]
    bodies = shape.get("requestBody", {}).get("content", {})
    answers = [(status, answer) for status, answer in shape["responses"].items() if status.startswith("2")]
    refusals = [status for status in shape["responses"] if status.startswith("4")]
    return Operation(
        key=shape["operationId"],
        method=method.upper(),
        path=path,
        about=shape["summary"],
        fields=tuple(fields),
        bodies=tuple(_field(kind, body["schema"]) for kind, body in bodies.items()),
        answers=tuple(_answer(status, answer) for status, answer in answers),
        example=_example(bodies.get("application/json", {}).get("schema", {}), schemas),
        refusals=tuple(refusals),
    )


def _example(schema: Schema, schemas: Schema) -> str:
    """Return the first example of a body as JSON that people can copy, "" where there is none."""
    known = schemas.get(schema.get("$ref", "").removeprefix(_REF), {}).get("examples")
    return json.dumps(known[0], ensure_ascii=False, indent=2) if known else ""


def _answer(status: str, answer: Schema) -> Field:
    content = next(iter(answer.get("content", {}).values()), None)
    return _field(status, content["schema"]) if content else Field(status, "")


def _fields(shape: Schema) -> tuple[Field, ...]:
    needed = shape.get("required", ())
    return tuple(_field(name, schema, required=name in needed) for name, schema in shape.get("properties", {}).items())


def _field(name: str, schema: Schema, *, required: bool = False, place: str = "") -> Field:
    text, shape = _type(schema)
    return Field(name, text, shape, required, place, schema.get("description", ""))


def _type(schema: Schema) -> tuple[str, str]:
    """Return a schema in a word or two, and the shape it leads to."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(_REF)
        return name, name
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"])), ""
    if "const" in schema:
        return str(schema["const"]), ""
    if options := schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf"):
        kinds = [_type(option) for option in options if option.get("type") != "null"]
        shape = next((shape for _, shape in kinds if shape), "")
        return " | ".join(text for text, _ in kinds), shape
    if schema.get("type") == "array":
        text, shape = _type(schema.get("items") or schema.get("prefixItems", [{}])[0])
        return f"{text}[]", shape
    return schema.get("format") or str(schema.get("type", "any")), ""
