"""The ConfigMap by which workloads learn the cache and warm-up settings of the level."""

from collections.abc import Mapping
from typing import Any

from gate.cluster.changes import RUNTIME_LABEL
from gate.cluster.scaling.values import FIELD_MANAGER
from gate.core.decision import Level

CACHE_MAP = "saturday-gate-cache"
LEVEL_NOTE = "saturday-gate.io/level"
_MANAGED_BY = {"app.kubernetes.io/managed-by": "saturday-gate"}


def cache_map(namespace: str, level: Level, settings: Mapping[str, str]) -> dict[str, Any]:
    """The document to apply: what the gate has to say of the ConfigMap, and no more.

    The runtime label makes each later change of it state to the webhook, and no configuration: it
    must go through during a lock.
    """
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": CACHE_MAP,
            "namespace": namespace,
            "labels": {RUNTIME_LABEL: "true", **_MANAGED_BY},
            "annotations": {LEVEL_NOTE: level},
        },
        "data": dict(settings),
    }


def says(document: Mapping[str, Any], level: Level, settings: Mapping[str, str]) -> bool:
    """Whether a ConfigMap, as the API has it, says this already.

    Keys that others have added are theirs; one that the gate set and does not set any more counts.
    """
    meta, data = document["metadata"], document.get("data") or {}
    labels, notes = meta.get("labels") or {}, meta.get("annotations") or {}
    return (
        labels.get(RUNTIME_LABEL) == "true"
        and notes.get(LEVEL_NOTE) == level
        and all(data.get(key) == value for key, value in settings.items())
        and _owned(meta) == set(settings)
    )


def _owned(meta: Mapping[str, Any]) -> set[str]:
    """The keys whose value the gate has set."""
    return {
        key.removeprefix("f:")
        for entry in meta.get("managedFields") or ()
        if entry.get("manager") == FIELD_MANAGER
        for key in (entry.get("fieldsV1") or {}).get("f:data") or {}
        if key != "."
    }
