"""Who wrote a field last, from the stamps of the API server (`metadata.managedFields`)."""

from collections.abc import Iterator, Mapping
from typing import Any

from gate.cluster.scaling.values import FIELD_MANAGER, Field


def writers(meta: Mapping[str, Any], names: Mapping[Field, str]) -> dict[Field, str]:
    """The manager of each field of the spec that someone but the gate has written, the last one."""
    found: dict[Field, tuple[str, str]] = {}
    for entry in _entries(meta):
        manager = entry.get("manager") or "unknown"
        stamp = (entry.get("time") or "", manager)
        if manager == FIELD_MANAGER:
            continue
        for field in _fields(entry, names):
            found[field] = max(found.get(field, ("", "")), stamp)
    return {field: manager for field, (_, manager) in found.items()}


def gate_fields(meta: Mapping[str, Any], names: Mapping[Field, str]) -> frozenset[Field]:
    """The fields of the spec whose value the gate has written."""
    return frozenset(
        field
        for entry in _entries(meta)
        if entry.get("manager") == FIELD_MANAGER
        for field in _fields(entry, names)
    )


def _entries(meta: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for entry in meta.get("managedFields") or ():
        if not entry.get("subresource"):
            yield entry


def _fields(entry: Mapping[str, Any], names: Mapping[Field, str]) -> Iterator[Field]:
    spec = (entry.get("fieldsV1") or {}).get("f:spec") or {}
    return (field for field, name in names.items() if f"f:{name}" in spec)
