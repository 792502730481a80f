"""GitHub's own description of its API, cut down to what the gate uses.

The whole is a document of 13 MB that Prism would read at every start. A cut holds some paths and
what these refer to, unchanged but for one thing: OpenAPI has no word for a parameter that may hold
slashes, which GitHub marks with `x-multi-segment`; such a path is there once for each length.
"""

import json
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from scripts import node_tools

Json = dict[str, Any]
_HERE = "#/"
_LONGEST_REF = 4
"""Parts of a ref, such as ``heads/gh-readonly-queue/main/pr-7``."""


@cache
def whole() -> Json:
    """The description of api.github.com, as GitHub publishes it."""
    path = node_tools.modules() / node_tools.DESCRIPTIONS / node_tools.DESCRIPTION
    found: Json = json.loads(path.read_bytes())
    return found


def cut(paths: Iterable[str]) -> Json:
    """The description of these paths alone; raises `KeyError` for one that GitHub has not."""
    document = whole()
    made: Json = {name: document[name] for name in ("openapi", "info", "servers")}
    made["paths"] = {}
    for path in paths:
        made["paths"][path] = document["paths"][path]
        made["paths"].update(_longer(path))
    made["components"] = {}
    ahead = list(references(made["paths"]))
    while ahead:
        kind, name = ahead.pop()
        section = made["components"].setdefault(kind, {})
        if name not in section:
            section[name] = document["components"][kind][name]
            ahead.extend(references(section[name]))
    return made


def _longer(path: str) -> Iterator[tuple[str, Json]]:
    """A path whose last parameter may hold slashes, with one to three slashes in it."""
    before, _, last = path.rpartition("/")
    operations = whole()["paths"][path]
    for parts in range(2, _LONGEST_REF + 1):
        more = [f"{last.strip('{}')}_{number}" for number in range(2, parts + 1)]
        longer = {
            verb: {
                **{name: value for name, value in operation.items() if name != "operationId"},
                "parameters": [*operation["parameters"], *map(_text_parameter, more)],
            }
            for verb, operation in operations.items()
            if any(_spans(each, last) for each in operation.get("parameters", ()))
        }
        if longer:
            yield "/".join((before, last, *(f"{{{name}}}" for name in more))), longer


def _spans(parameter: Json, last: str) -> bool:
    """Whether a parameter is a path's last part and may hold slashes."""
    if target := parameter.get("$ref"):
        parameter = whole()["components"]["parameters"][target.rpartition("/")[2]]
    return bool(parameter.get("x-multi-segment")) and f"{{{parameter['name']}}}" == last


def _text_parameter(name: str) -> Json:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def references(node: object) -> Iterator[tuple[str, str]]:
    """Kind and name of each component that a part of the document refers to."""
    if isinstance(node, dict):
        target = node.get("$ref")
        if isinstance(target, str) and target.startswith(_HERE):
            _, kind, name = target.removeprefix(_HERE).split("/", 2)
            yield kind, name
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)
