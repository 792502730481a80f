"""The published JSON Schema, made from the models and the defaults.

The models require what has a default, because they see documents after `defaults.fill`. Here that
is turned round: such keys are optional and name their default.
"""

import copy
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from pydantic.alias_generators import to_snake

from gate.core.document.defaults import DEFAULTS, OBSERVED_DEFAULTS, WINDOW_DEFAULTS
from gate.core.document.fields import SETTING_NAME, Section
from gate.core.document.schema import PolicyDocument
from gate.core.document.show import number_of
from gate.core.document.tree import Plain

JsonSchema = dict[str, Any]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def policy_schema() -> JsonSchema:
    """JSON Schema (2020-12) of the policy document; every valid document is valid under it."""
    schema = _plain_schema(PolicyDocument)
    definitions = schema["$defs"]
    # A row or a cell that is written may leave out what keeps its default, which depends on the
    # action: the default stands at the action itself.
    for name in ("row", "by_invoker"):
        definitions[name].pop("required")
    for form, defaults in WINDOW_DEFAULTS.items():
        _name_defaults(definitions[form], defaults, definitions)
    for source in ("observed_prometheus", "observed_csv"):
        _name_defaults(definitions[source], OBSERVED_DEFAULTS, definitions)
    _name_defaults(schema, DEFAULTS, definitions)
    _open_cultures(definitions)
    hours = definitions["load"]["properties"]["hours"]
    hours |= {"required": ["0"], "additionalProperties": False}
    countries = definitions["season"]["properties"]["countries"]
    countries["propertyNames"] = {"pattern": "^[A-Z]{2}$"}
    for settings in definitions["cache"]["properties"].values():
        settings["propertyNames"] = {"pattern": f"^(?!\\.$|\\.\\.){SETTING_NAME}$"}
    definitions["identity"]["anyOf"] = [{"required": ["user"]}, {"required": ["group"]}]
    return {"$schema": _DIALECT, **schema, "title": "Saturday Gate policy"}


def _plain_schema(model: type[Section]) -> JsonSchema:
    """pydantic's schema without nulls (no document may have them), titles and class names."""
    schema: JsonSchema = copy.deepcopy(model.model_json_schema())
    for node in _objects(schema):
        node.pop("title", None)
        if node.get("default", ...) is None:
            del node["default"]
        choices = node.get("anyOf", [])
        if {"type": "null"} in choices:
            del node["anyOf"]
            node.update(next(choice for choice in choices if choice != {"type": "null"}))
        if isinstance(reference := node.get("$ref"), str):
            node["$ref"] = "#/$defs/" + _short(reference.rpartition("/")[2])
    schema["$defs"] = {_short(name): body for name, body in schema.get("$defs", {}).items()}
    return schema


def _short(name: str) -> str:
    return to_snake(name.removesuffix("Section"))


def _objects(value: Any) -> Iterator[JsonSchema]:
    """Every schema object; names of properties and of definitions are no such objects."""
    if isinstance(value, list):
        for item in value:
            yield from _objects(item)
    elif isinstance(value, dict):
        yield value
        for key, item in value.items():
            if key in {"properties", "$defs", "patternProperties"}:
                for inner in item.values():
                    yield from _objects(inner)
            else:
                yield from _objects(item)


def _name_defaults(schema: JsonSchema, defaults: dict[Any, Plain], definitions: JsonSchema) -> None:
    """Make the keys that have defaults optional, here and below, and say the defaults."""
    schema["required"] = [key for key in schema.get("required", []) if key not in defaults]
    if not schema["required"]:
        del schema["required"]
    for key, default in defaults.items():
        inner = schema["properties"][key]
        inner["default"] = _json_value(default)
        reference = inner.get("$ref", "").rpartition("/")[2]
        if isinstance(default, dict) and reference and reference not in {"scope", "row"}:
            _name_defaults(definitions[reference], default, definitions)


def _open_cultures(definitions: JsonSchema) -> None:
    """Cultures with defaults may give any of the three keys, one's own gives all."""
    cultures = definitions["load"]["properties"]["cultures"]
    partial = copy.deepcopy(definitions["culture"])
    del partial["required"]
    partial["description"] = "Keys left out keep the defaults of this culture."
    definitions["known_culture"] = partial
    cultures["properties"] = {
        name: {"$ref": "#/$defs/known_culture", "default": default}
        for name, default in cultures["default"].items()
    }


def _json_value(value: Plain) -> Any:
    if isinstance(value, dict):
        return {str(key): _json_value(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_json_value(item) for item in value]
    return number_of(value) if isinstance(value, Fraction) else value
