"""Autoscalers as an API server would answer them, and what it makes of a merge patch."""

import copy
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from gate.cluster.scaling.reading import FIELDS, read_target
from gate.cluster.scaling.stepping import step
from gate.cluster.scaling.values import (
    FIELD_MANAGER,
    HPA,
    SCALED_OBJECT,
    Kind,
    Step,
    Target,
    Wish,
)
from gate.core.decision import Level

AT = datetime(2026, 6, 13, 12, tzinfo=UTC)
UID = "11111111-1111-4111-8111-111111111111"
PREFIX = "saturday-gate.io/"


def document(
    low: int | None = 10,
    high: int | None = 30,
    *,
    kind: Kind = HPA,
    name: str = "web",
    uid: str = UID,
    notes: Mapping[str, str] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """A labelled HPA or ScaledObject; ``notes`` without the prefix of their keys."""
    values = {FIELDS[kind]["min"]: low, FIELDS[kind]["max"]: high}
    given = {field: value for field, value in values.items() if value is not None}
    return {
        "kind": kind,
        "metadata": {
            "namespace": "bookings",
            "name": name,
            "uid": uid,
            "resourceVersion": "7",
            "labels": {f"{PREFIX}prescale": "true"},
            "annotations": {PREFIX + key: text for key, text in (notes or {}).items()},
            "managedFields": [_stamp("kubectl", kind, given)],
            **more.pop("metadata", {}),
        },
        "spec": {"scaleTargetRef": {"kind": "Deployment", "name": name}, **given},
        **more,
    }


def written(before: dict[str, Any], patch: Mapping[str, Any], manager: str) -> dict[str, Any]:
    """The document after a JSON merge patch (RFC 7396) by a manager, with its stamps."""
    kind: Kind = before["kind"]
    after: dict[str, Any] = _merged(before, {k: v for k, v in patch.items() if k != "metadata"})
    about = {k: v for k, v in patch.get("metadata", {}).items() if k != "resourceVersion"}
    after["metadata"] = _merged(after["metadata"], about)
    moved = {
        name
        for name in FIELDS[kind].values()
        if after["spec"].get(name) != before["spec"].get(name)
    }
    if moved:
        stamps = after["metadata"]["managedFields"]
        for each in stamps:
            for name in moved:
                each["fieldsV1"]["f:spec"].pop(f"f:{name}", None)
        stamps.append(_stamp(manager, kind, moved))
    after["metadata"]["resourceVersion"] = str(int(before["metadata"]["resourceVersion"]) + 1)
    return after


def taken(before: dict[str, Any], wish: Wish, at: datetime = AT) -> tuple[Step, dict[str, Any]]:
    """The step that a wish leads to, and the document after it."""
    made = step(read_target(before), wish, at)
    return made, before if made.patch is None else written(before, made.patch, FIELD_MANAGER)


def plan(asked: int, level: Level = Level.HIGH, **more: Any) -> Wish:
    """The plan's wish for a floor; 0: own values."""
    return Wish(cause="plan", level=level, min=asked, reason="booked load", **more)


NOTHING = plan(0, Level.NORMAL)


def target(*given: Any, **more: Any) -> Target:
    """The target of such a document."""
    return read_target(document(*given, **more))


def scaled(*given: Any, **more: Any) -> dict[str, Any]:
    """A ScaledObject."""
    return document(*given, kind=SCALED_OBJECT, **more)


def spec_of(found: dict[str, Any]) -> tuple[int | None, int | None]:
    """Floor and ceiling as the spec has them."""
    names = FIELDS[found["kind"]]
    return found["spec"].get(names["min"]), found["spec"].get(names["max"])


def _stamp(manager: str, kind: Kind, names: Any) -> dict[str, Any]:
    return {
        "manager": manager,
        "operation": "Update",
        "time": "2026-06-01T00:00:00Z",
        "fieldsV1": {"f:spec": {f"f:{name}": {} for name in names}},
    }


def _merged(before: Any, patch: Any) -> Any:
    if not isinstance(patch, Mapping):
        return patch
    after = copy.deepcopy(before) if isinstance(before, dict) else {}
    for key, value in patch.items():
        if value is None:
            after.pop(key, None)
        else:
            after[key] = _merged(after.get(key), value)
    return after
