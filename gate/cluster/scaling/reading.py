"""A target as its object of the API tells it."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from gate.cluster.scaling.conditions import notes_of
from gate.cluster.scaling.holds import read_holds
from gate.cluster.scaling.managers import gate_fields, writers
from gate.cluster.scaling.values import (
    HELD,
    HPA,
    MOST_REPLICAS,
    ORIGINAL,
    PRESCALE_LABEL,
    RAISED,
    RUNGS,
    SCALED_OBJECT,
    Field,
    Hold,
    Kind,
    Raised,
    Range,
    Reference,
    Rungs,
    Target,
)

FIELDS: dict[Kind, dict[Field, str]] = {
    HPA: {"min": "minReplicas", "max": "maxReplicas"},
    SCALED_OBJECT: {"min": "minReplicaCount", "max": "maxReplicaCount"},
}
"""What the floor and the ceiling are called in the spec of each kind."""
DEFAULTS: dict[Kind, Range] = {HPA: Range(1, 1), SCALED_OBJECT: Range(0, 100)}
"""What each kind takes a missing floor and ceiling for (an HPA must have its ceiling)."""
_NUMBER = re.compile(r"[0-9]{1,10}")


class _Original(msgspec.Struct, frozen=True):
    min: int
    max: int
    uid: str


def read_target(document: Mapping[str, Any], kind: Kind | None = None) -> Target:
    """The target that a HorizontalPodAutoscaler (autoscaling/v2) or a ScaledObject is.

    ``kind`` is given for the entries of a list, which do not name it. What cannot be understood
    is in ``error``; nothing is raised for an object that an API server answers.
    """
    kind = kind or document["kind"]
    meta, spec = document["metadata"], document.get("spec") or {}
    notes, troubles = list(notes_of(document, kind)), list[str]()
    annotations = meta.get("annotations") or {}
    now, absent = _range(spec, kind, troubles)
    original = _original(annotations, meta["uid"], notes, troubles)
    return Target(
        namespace=meta["namespace"],
        name=meta["name"],
        kind=kind,
        uid=meta["uid"],
        resource_version=meta["resourceVersion"],
        now=now,
        rungs=_rungs(annotations, troubles),
        original=original,
        raised=_raised(annotations, troubles) if original is not None else None,
        holds=_holds(annotations, notes),
        scales=_scales(spec),
        owner=_owner(meta),
        absent=absent,
        managers=writers(meta, FIELDS[kind]),
        written_by_gate=gate_fields(meta, FIELDS[kind]),
        labelled=(meta.get("labels") or {}).get(PRESCALE_LABEL) == "true",
        is_going="deletionTimestamp" in meta,
        notes=tuple(notes),
        error="; ".join(troubles) or None,
    )


def parse_rungs(text: str) -> Rungs:
    """Floor, high and ceiling, as ``10,35,50``; ValueError says what is wrong."""
    parts = [part.strip() for part in text.split(",")]
    if len(parts) != 3 or not all(_NUMBER.fullmatch(part) for part in parts):
        raise ValueError(f"{text!r} is not three whole numbers, as 10,35,50")
    floor, high, ceiling = map(int, parts)
    if not 1 <= floor <= high <= ceiling:
        raise ValueError(f"{text!r} must not decrease, and begin with 1 or more")
    if ceiling > MOST_REPLICAS:
        raise ValueError(f"{text!r} is more than Kubernetes can count")
    return Rungs(floor, high, ceiling)


def _range(
    spec: Mapping[str, Any], kind: Kind, troubles: list[str]
) -> tuple[Range, tuple[Field, ...]]:
    found: dict[Field, int] = {}
    absent: list[Field] = []
    for field, name in FIELDS[kind].items():
        value = spec.get(name)
        if value is None:
            absent.append(field)
            value = getattr(DEFAULTS[kind], field)
        elif type(value) is not int or value < 0:
            troubles.append(f"spec.{name} is no number of replicas")
            value = 0
        found[field] = value
    return Range(found["min"], found["max"]), tuple(absent)


def _rungs(annotations: Mapping[str, str], troubles: list[str]) -> Rungs | None:
    text = annotations.get(RUNGS)
    if text is None:
        return None
    try:
        return parse_rungs(text)
    except ValueError as error:
        troubles.append(f"annotation {RUNGS}: {error}")
        return None


def _original(
    annotations: Mapping[str, str], uid: str, notes: list[str], troubles: list[str]
) -> Range | None:
    """Its own values; those that were copied from another object are none of its own."""
    text = annotations.get(ORIGINAL)
    if text is None:
        return None
    try:
        found = msgspec.json.decode(text, type=_Original)
    except msgspec.MsgspecError as error:
        troubles.append(f"annotation {ORIGINAL} cannot be read ({error}); mend or remove it")
        return None
    if found.uid != uid:
        notes.append(f"annotation {ORIGINAL} is of another object (uid {found.uid}): not applied")
        return None
    if not 0 <= found.min <= found.max <= MOST_REPLICAS:
        troubles.append(f"annotation {ORIGINAL} has no range of replicas; mend or remove it")
        return None
    return Range(found.min, found.max)


def _raised(annotations: Mapping[str, str], troubles: list[str]) -> Raised | None:
    text = annotations.get(RAISED)
    if text is None:
        return None
    try:
        return msgspec.json.decode(text, type=Raised)
    except msgspec.MsgspecError as error:
        troubles.append(f"annotation {RAISED} cannot be read ({error}); mend or remove it")
        return None


def _holds(annotations: Mapping[str, str], notes: list[str]) -> tuple[Hold, ...]:
    text = annotations.get(HELD)
    if text is None:
        return ()
    try:
        return read_holds(text)
    except ValueError as error:
        notes.append(f"annotation {HELD} cannot be read ({error}): it holds nothing")
        return ()


def _scales(spec: Mapping[str, Any]) -> Reference | None:
    scaled = spec.get("scaleTargetRef") or {}
    name = scaled.get("name")
    return Reference(scaled.get("kind") or "Deployment", name) if name else None


def _owner(meta: Mapping[str, Any]) -> Reference | None:
    """The ScaledObject that controls it, None where none does."""
    for owner in meta.get("ownerReferences") or ():
        group = owner.get("apiVersion", "").partition("/")[0]
        if owner.get("controller") and (group, owner.get("kind")) == ("keda.sh", SCALED_OBJECT):
            return Reference(SCALED_OBJECT, owner.get("name", ""), owner.get("uid", ""))
    return None
