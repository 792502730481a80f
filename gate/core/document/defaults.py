"""The defaults of a policy, in the shape of the document. They stand here and nowhere else."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Literal

from gate.core.document.nodes import Key
from gate.core.document.tree import Path, Plain

_SYSTEM = "system:serviceaccount:kube-system:"

# The controllers of Kubernetes itself, which have to go on doing their part during a lock. Names
# are those of the service accounts that kube-controller-manager gives its controllers
# (--use-service-account-credentials).
_WRITERS = (  # of the kinds that the webhook knows
    "horizontal-pod-autoscaler",  # replicas, through /scale
    "deployment-controller",  # revision annotation and status of Deployments
    "statefulset-controller",  # status of StatefulSets
    "daemon-set-controller",  # status of DaemonSets
    "generic-garbage-collector",  # deletes what lost its owner
    "namespace-controller",  # empties a namespace that is being deleted
    "root-ca-cert-publisher",  # ConfigMap kube-root-ca.crt of each namespace
    "legacy-service-account-token-cleaner",  # Secrets of unused service account tokens
    "bootstrap-signer",  # ConfigMap cluster-info
    "token-cleaner",  # Secrets of expired bootstrap tokens
    "service-controller",  # status and finalizers of Services
)
# Writers of other kinds, which are a deploy to the gate where a cluster sends it those, too. None
# of them starts anything that an object of the platform does not ask for.
_KEEPERS = (
    "replicaset-controller",  # Pods, also instead of those that died
    "replication-controller",
    "job-controller",
    "cronjob-controller",  # Jobs that are due
    "ttl-after-finished-controller",  # Jobs that are done
    "pod-garbage-collector",
    "node-controller",  # Pods of nodes that are gone
    "disruption-controller",  # status of budgets and Pods
    "endpoint-controller",  # where Services lead
    "endpointslice-controller",
    "endpointslicemirroring-controller",
    "service-account-controller",  # ServiceAccount default of each namespace
    "persistent-volume-binder",
    "pvc-protection-controller",  # finalizers of volume claims
    "ephemeral-volume-controller",  # volume claims of Pods
    "resource-claim-controller",  # claims of devices of Pods
    "resourcequota-controller",  # status of quotas
)
# Where a cluster does not give controllers credentials of their own, all of them write as this
# user; and the controller that issues service account tokens always does.
_MANAGER = "system:kube-controller-manager"
DEFAULT_EXEMPT = (_MANAGER, *(_SYSTEM + name for name in (*_WRITERS, *_KEEPERS)))


def _cell(verdict: str) -> Plain:
    return {"human": verdict, "automation": verdict}


def _row(lead: str, locked: str) -> Plain:
    return {"lead": _cell(lead), "locked": _cell(locked)}


def _culture(factor: str, guests: int, days: int) -> Plain:
    return {"factor": Fraction(factor), "guests": guests, "days": days}


DEFAULTS: dict[Key, Plain] = {
    "mode": "enforce",
    "on_undecided": "block",
    "lead": "0s",
    "windows": [{"name": "saturday", "rrule": "FREQ=WEEKLY;BYDAY=SA"}],
    "level_lock": {"at": "HIGH", "join": "4h", "scope": {}},
    "actions": {
        "deploy": _row("deny", "deny"),
        "config": _row("deny", "deny"),
        "restart": _row("allow", "deny"),
        "scale-down": _row("allow", "deny"),
        "scale-up": _row("allow", "allow"),
        "rollback": _row("allow", "allow"),
    },
    "override": {
        "roles": ["sre-lead", "duty-manager"],
        "approvals": 1,
        "max_ttl": "4h",
        "automation": False,
    },
    "exempt": list(DEFAULT_EXEMPT),
    "identities": [],
    # `bases` has no default here: it is the default branch of each repository.
    "github": {"on_lock": "wait"},
    "tokens": {
        "issuer": "https://token.actions.githubusercontent.com",
        "audience": "saturday-gate",
        "allow": [],
    },
    "load": {
        "cultures": {
            "indian": _culture("2.0", 600, 3),
            "nigerian": _culture("1.8", 400, 2),
            "chinese": _culture("1.5", 350, 2),
            "greek": _culture("1.4", 300, 1),
            "jewish": _culture("1.3", 250, 1),
            "british": _culture("1.0", 150, 1),
            "other": _culture("1.0", 150, 1),
        },
        "venues": {
            "palace": Fraction("1.5"),
            "hotel": Fraction("1.2"),
            "church": Fraction("1.0"),
        },
        "settings": {"outdoor": Fraction("1.1"), "indoor": Fraction("1.0")},
        "season": {
            "factor": Fraction("2.5"),
            "north": [5, 6, 7, 8, 9, 10],
            "south": [10, 11, 12, 1, 2, 3],
            "countries": {"IN": [11, 12, 1, 2, 4, 5]},
        },
        "saturday": Fraction(8),
        "hours": {
            0: Fraction("0.2"),
            8: Fraction("0.6"),
            12: Fraction("0.8"),
            14: Fraction(1),
            16: Fraction("0.8"),
            23: Fraction("0.4"),
        },
        "capacity": {
            "units_per_replica": 30,
            "floor": 10,
            "high": 35,
            "ceiling": 50,
            "fallback": 20,
            "emergency": 100,
        },
    },
}

# Of observed load, for policies that have it at all.
OBSERVED_DEFAULTS: dict[Key, Plain] = {
    "units_per_value": 1,
    "max_age": "5m",
    "fails_after": "15m",
    "hold": "1h",
    "learned": {
        "use": False,
        "at_least_samples": 48,
        "bounds": [Fraction("0.5"), Fraction(2)],
    },
}

Form = Literal["recurring", "local", "instants"]
_EVERY_WINDOW: dict[Key, Plain] = {"kind": "lock", "scope": {}}
# `days` has no fixed default: it is 1, or 2 where `to` is not after `from`.
WINDOW_DEFAULTS: dict[Form, dict[Key, Plain]] = {
    "recurring": {
        **_EVERY_WINDOW,
        "since": "2000-01-01",
        "except": [],
        "from": "00:00",
        "to": "24:00",
        "zones": ["home", "venues"],
    },
    "local": {**_EVERY_WINDOW, "zones": ["home"]},
    "instants": _EVERY_WINDOW,
}


def fill(data: dict[Key, Plain]) -> dict[Key, Plain]:
    """The document over its defaults: mappings key by key, lists and `load.hours` whole."""
    filled = _over(DEFAULTS, data)
    load, filled_load = data.get("load"), filled.get("load")
    if isinstance(load, dict) and isinstance(filled_load, dict) and "hours" in load:
        filled_load["hours"] = load["hours"]
    if isinstance(filled_load, dict) and isinstance(observed := filled_load.get("observed"), dict):
        filled_load["observed"] = _over(OBSERVED_DEFAULTS, observed)
    windows = filled["windows"]
    if isinstance(windows, list):
        filled["windows"] = [_filled_window(window) for window in windows]
    return filled


def form_of(window: object) -> Form:
    """Which of the three forms a window is meant to have, by the keys that it has."""
    if not isinstance(window, dict) or "rrule" in window:
        return "recurring"
    first = window.get("start", window.get("end"))
    if first is None:
        return "recurring"
    return "instants" if has_offset(first) else "local"


def has_offset(value: object) -> bool:
    """Whether text is meant as an instant: a time of day with ``Z`` or an offset behind it."""
    if not isinstance(value, str):
        return False
    time = value[:40].upper().partition("T")[2]
    return time.endswith("Z") or "+" in time or "-" in time


def _filled_window(window: Plain) -> Plain:
    return {**WINDOW_DEFAULTS[form_of(window)], **window} if isinstance(window, dict) else window


def _over(defaults: dict[Key, Plain], given: dict[Key, Plain]) -> dict[Key, Plain]:
    merged = {**defaults, **given}
    for key, default in defaults.items():
        value = given.get(key, {})
        if isinstance(default, dict) and isinstance(value, dict):
            merged[key] = _over(default, value)
    return merged


def duplicate_names(data: dict[Key, Plain]) -> Iterator[tuple[Path, str, str | None]]:
    """A problem for each window that has the name of an earlier one."""
    windows = data["windows"]
    seen: dict[str, int] = {}
    for at, window in enumerate(windows if isinstance(windows, list) else ()):
        name = window.get("name") if isinstance(window, dict) else None
        if not isinstance(name, str):
            continue
        if name in seen:
            path: Path = ("windows", at, "name")
            yield path, f"is the name of windows[{seen[name]}], too", "give it its own name"
        seen.setdefault(name, at)
