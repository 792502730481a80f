"""What stands in the way of a floor, as the object and its status tell it, in words for people."""

from collections.abc import Iterator, Mapping
from typing import Any

from gate.cluster.scaling.values import HPA, Kind

PAUSED = "autoscaling.keda.sh/paused"
PAUSED_REPLICAS = "autoscaling.keda.sh/paused-replicas"


def notes_of(document: Mapping[str, Any], kind: Kind) -> Iterator[str]:
    """What a person should know of an autoscaler whose floor moves."""
    if document["metadata"].get("deletionTimestamp"):
        yield "is being deleted"
    yield from _of_hpa(document) if kind == HPA else _of_scaled_object(document)


def _of_hpa(document: Mapping[str, Any]) -> Iterator[str]:
    conditions = _conditions(document)
    reason, message = conditions.get("AbleToScale", ("", ""))
    if reason == "FailedGetScale":
        yield f"its scale target cannot be read: {message}"
    reason, message = conditions.get("ScalingActive", ("", ""))
    if reason == "ScalingDisabled":
        yield (
            "its scale target stands at 0 replicas, which disables the autoscaler: the floor holds"
            " once the target is scaled to 1 or more"
        )
    elif reason == "AmbiguousSelector":
        yield f"another autoscaler counts the same pods: {message}"


def _of_scaled_object(document: Mapping[str, Any]) -> Iterator[str]:
    annotations = document["metadata"].get("annotations") or {}
    spec = document.get("spec") or {}
    replicas = annotations.get(PAUSED_REPLICAS)
    if replicas is not None:
        yield f"is paused at {replicas} replicas: the floor holds once it is resumed"
    elif annotations.get(PAUSED, "false").lower() != "false":
        yield "is paused: the floor holds once it is resumed"
    idle = spec.get("idleReplicaCount")
    if idle is not None:
        yield f"goes to {idle} replicas while no trigger is active, whatever its floor"
    reason, message = _conditions(document).get("Ready", ("", ""))
    if reason:
        yield f"is not ready: {message or reason}"


def _conditions(document: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Reason and message of each condition that is false, on one line."""
    status = document.get("status") or {}
    return {
        each.get("type", ""): (
            each.get("reason") or "",
            " ".join((each.get("message") or "").split())[:200],
        )
        for each in status.get("conditions") or ()
        if each.get("status") == "False"
    }
