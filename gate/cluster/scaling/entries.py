"""A step as `gate prescale --json` tells it."""

from typing import Any

import msgspec

from gate.cluster.scaling.values import Step


def entry(step: Step) -> dict[str, Any]:
    """The entry of a target; ``cause`` where it is not the plan, the rest where there is any."""
    target = step.target
    said: dict[str, Any] = {
        "namespace": target.namespace,
        "name": target.name,
        "kind": target.kind,
        "from": msgspec.to_builtins(step.before),
        "to": msgspec.to_builtins(step.after),
        "level": step.level,
        "changed": step.changed,
    }
    if step.cause != "plan":
        said["cause"] = step.cause
    for name in ("kept", "error", "note"):
        text = getattr(step, name)
        if text is not None:
            said[name] = text
    return said
