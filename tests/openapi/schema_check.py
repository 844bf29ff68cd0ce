"""Checks a JSON value against the part of JSON Schema 2020-12 that our OpenAPI document uses. Standard library only.

An unknown keyword is an error of the document, so that nothing is believed checked that is not.
"""
import re

ANNOTATIONS = {"description", "examples", "example", "title", "default"}
DATE_TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$")
TYPES = {
    "object": lambda v: isinstance(v, dict),
    "array": lambda v: isinstance(v, list),
    "string": lambda v: isinstance(v, str),
    "boolean": lambda v: isinstance(v, bool),
    "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "number": lambda v: isinstance(v, (int, float)) and not isinstance(v, bool),
    "null": lambda v: v is None,
}


class Mismatch(Exception):
    pass


def resolve(document, schema):
    while "$ref" in schema:
        node = document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            node = node[part]
        schema = node
    return schema


def check(document, schema, value, where="$"):
    """Raises Mismatch that names the place."""
    schema = resolve(document, schema)
    for keyword, rule in schema.items():
        if keyword in ANNOTATIONS:
            continue
        if keyword not in RULES:
            raise Mismatch(f"{where}: the document uses the keyword {keyword}, which this checker does not know")
        RULES[keyword](document, schema, rule, value, where)


def _require(truth, where, text):
    if not truth:
        raise Mismatch(f"{where}: {text}")


def _type(document, schema, rule, value, where):
    _require(TYPES[rule](value), where, f"{value!r} is no {rule}")


def _properties(document, schema, rule, value, where):
    for name in rule:
        if isinstance(value, dict) and name in value:
            check(document, rule[name], value[name], f"{where}.{name}")


def _additional(document, schema, rule, value, where):
    for name in value:
        if name in schema.get("properties", {}):
            continue
        _require(rule is not False, where, f"the member {name} is not documented")
        if isinstance(rule, dict):
            check(document, rule, value[name], f"{where}.{name}")


def _one_of(document, schema, rule, value, where):
    failures = []
    for option in rule:
        try:
            check(document, option, value, where)
        except Mismatch as mismatch:
            failures.append(str(mismatch))
    _require(len(rule) - len(failures) == 1, where, f"matches {len(rule) - len(failures)} of {len(rule)} forms: {failures}")


def _items(document, schema, rule, value, where):
    for index, item in enumerate(value):
        check(document, rule, item, f"{where}[{index}]")


def _format(document, schema, rule, value, where):
    _require(rule == "date-time", where, f"the format {rule} is not known to this checker")
    _require(DATE_TIME.match(value), where, f"{value!r} is no RFC 3339 time")


RULES = {
    "type": _type,
    "properties": _properties,
    "additionalProperties": _additional,
    "oneOf": _one_of,
    "items": _items,
    "format": _format,
    "required": lambda d, s, r, v, w: [_require(n in v, w, f"the member {n} is missing") for n in r],
    "enum": lambda d, s, r, v, w: _require(v in r, w, f"{v!r} is none of {r}"),
    "const": lambda d, s, r, v, w: _require(v == r, w, f"{v!r} is not {r!r}"),
    "minLength": lambda d, s, r, v, w: _require(len(v) >= r, w, f"{v!r} is shorter than {r}"),
    "maxLength": lambda d, s, r, v, w: _require(len(v) <= r, w, f"{v!r} is longer than {r}"),
    "minimum": lambda d, s, r, v, w: _require(v >= r, w, f"{v} is below {r}"),
    "maximum": lambda d, s, r, v, w: _require(v <= r, w, f"{v} is above {r}"),
    "exclusiveMinimum": lambda d, s, r, v, w: _require(v > r, w, f"{v} is not above {r}"),
    "maxItems": lambda d, s, r, v, w: _require(len(v) <= r, w, f"{len(v)} items, more than {r}"),
    "maxProperties": lambda d, s, r, v, w: _require(len(v) <= r, w, f"{len(v)} members, more than {r}"),
}
