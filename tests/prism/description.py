"""GitHub's own description of its API, cut down to what the gate uses.

The whole is a document of 13 MB, over which Prism takes half a minute to start. A cut holds some
paths and what these refer to, unchanged.
"""

import json
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from scripts import node_tools

Json = dict[str, Any]
_HERE = "#/"


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
    made["paths"] = {path: document["paths"][path] for path in paths}
    made["components"] = {}
    ahead = list(references(made["paths"]))
    while ahead:
        kind, name = ahead.pop()
        section = made["components"].setdefault(kind, {})
        if name not in section:
            section[name] = document["components"][kind][name]
            ahead.extend(references(section[name]))
    return made


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


def write(paths: Iterable[str], file: Path) -> Path:
    """Write a cut to a file; answers the file."""
    file.write_text(json.dumps(cut(paths)), encoding="utf-8")
    return file
