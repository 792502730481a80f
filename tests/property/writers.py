"""Documents and calendars as people write them: YAML, JSON, JSON Lines and CSV."""

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

# Plain in YAML 1.2 and text by the core schema: dates, times, instants, `NO`, names.
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_./+-]*(:[A-Za-z0-9_./+-]+)*")
_NOT_TEXT = re.compile(
    r"null|true|false|[-+]?[0-9]+|0o[0-7]+|0x[0-9a-f]+|[-+]?(\.\d+|\d+(\.\d*)?)(e[-+]?\d+)?",
    re.IGNORECASE,
)


def as_json(value: object) -> str:
    """JSON, with every number as the decimal that it is."""
    match value:
        case Mapping():
            items = (f"{json.dumps(str(key))}: {as_json(item)}" for key, item in value.items())
            return "{" + ", ".join(items) + "}"
        case str():
            return json.dumps(value, ensure_ascii=False)
        case Decimal():
            return str(value)
        case Sequence():
            return "[" + ", ".join(map(as_json, value)) + "]"
        case _:
            return json.dumps(value)


def as_yaml(value: Mapping[str, Any], indent: str = "") -> str:
    """Block YAML, with plain scalars wherever the core schema takes them for text."""
    lines: list[str] = []
    for key, item in value.items():
        head = f"{indent}{_scalar(key)}:"
        if isinstance(item, Mapping) and item:
            lines.append(f"{head}\n{as_yaml(item, indent + '  ')}")
        elif isinstance(item, list) and item and isinstance(item[0], Mapping):
            lines.append(head)
            for entry in item:
                block = as_yaml(entry, indent + "    ")
                lines.append(f"{indent}  - {block.lstrip()}")
        elif isinstance(item, list):
            lines.append(f"{head} [{', '.join(map(_scalar, item))}]")
        else:
            lines.append(f"{head} {_scalar(item)}")
    return "\n".join(lines)


def _scalar(value: object) -> str:
    if not isinstance(value, str):
        return as_json(value)
    plain = _PLAIN.fullmatch(value) and not _NOT_TEXT.fullmatch(value)
    return value if plain else json.dumps(value, ensure_ascii=False)


def policy_bytes(document: Mapping[str, Any], form: str) -> bytes:
    """A policy document in the form ``yaml`` or ``json``."""
    return (as_json(document) if form == "json" else as_yaml(document) + "\n").encode()


def calendar_bytes(rows: Iterable[Mapping[str, Any]], form: str) -> bytes:
    """A calendar in the form ``csv``, ``json`` or ``jsonl``."""
    kept = list(rows)
    if form == "json":
        return as_json(kept).encode()
    if form == "jsonl":
        return ("".join(as_json(row) + "\n" for row in kept)).encode() or b"\n"
    names = list(dict.fromkeys(("id", "date", "timezone", *(key for row in kept for key in row))))
    stream = io.StringIO()
    writer = csv.DictWriter(stream, names, restval="")
    writer.writeheader()
    writer.writerows(kept)
    return stream.getvalue().encode()
