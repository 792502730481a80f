"""How the fallback lock stands in a cluster, as one value."""

from collections.abc import Iterator
from datetime import datetime

import msgspec

from gate.cluster.fallback.documents import BINDING_KIND, NAME, POLICY_KIND, PREFIX, Document
from gate.cluster.fallback.times import OVERRIDE_UNTIL, STANDBY_UNTIL, is_instant
from gate.core.instants import parse_instant
from gate.service.fallback.aside import lease_trouble
from gate.service.fallback.cluster import Cluster, Place, Reading, Seen
from gate.service.fallback.worker import SHORT, compiled_until


class LeaseNow(msgspec.Struct, frozen=True, kw_only=True):
    """A clock of the lock, and how old its reading is."""

    name: str
    renewed: datetime | None
    age_seconds: float | None


class PlaceNow(msgspec.Struct, frozen=True, kw_only=True):
    """A protected namespace: what its annotations say, and whether one of them opens it now."""

    name: str
    standby_until: str | None
    override_until: str | None
    open: bool


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """``problems`` is empty where the lock is installed, has a clock and more than two weeks left.

    ``now`` is the API server's time, ``mode`` that of the policy that was compiled.
    """

    now: datetime
    installed: bool
    mode: str | None
    policy: str | None
    policy_sha256: str | None
    calendar_sha256: str | None
    environment: str | None
    compiled_at: str | None
    compiled_until: datetime | None
    weeks_left: float | None
    leases: tuple[LeaseNow, ...]
    namespaces: tuple[PlaceNow, ...]
    problems: tuple[str, ...]


def read_status(cluster: Cluster) -> Status:
    """Ask the cluster. Raises `ClusterUnavailable`."""
    seen = cluster.seen()
    policy, binding = cluster.read(POLICY_KIND, NAME), cluster.read(BINDING_KIND, NAME)
    notes = _notes(policy)
    until = None if policy is None else compiled_until(policy)
    return Status(
        now=seen.now,
        installed=policy is not None and binding is not None,
        mode=None if binding is None else _mode(binding),
        policy=notes.get(f"{PREFIX}/policy"),
        policy_sha256=notes.get(f"{PREFIX}/policy-sha256"),
        calendar_sha256=notes.get(f"{PREFIX}/calendar-sha256"),
        environment=notes.get(f"{PREFIX}/environment"),
        compiled_at=notes.get(f"{PREFIX}/compiled-at"),
        compiled_until=until,
        weeks_left=None if until is None else (until - seen.now).total_seconds() / (7 * 86_400),
        leases=tuple(_lease(each, seen.now) for each in seen.readings),
        namespaces=tuple(_place(each, seen) for each in cluster.places()),
        problems=tuple(_problems(policy, binding, until, seen)),
    )


def _problems(
    policy: Document | None, binding: Document | None, until: datetime | None, seen: Seen
) -> Iterator[str]:
    if policy is None:
        yield f"there is no {POLICY_KIND} {NAME}: gate fallback compile, then kubectl apply"
    if binding is None:
        yield f"there is no {BINDING_KIND} {NAME}: the policy alone does nothing"
    if policy is not None and until is None:
        yield f"{POLICY_KIND} {NAME} does not say until when it was compiled"
    if until is not None and until - seen.now < SHORT:
        left = max((until - seen.now).total_seconds() / 86_400, 0.0)
        yield f"{left:.1f} days of windows are left: compile and apply it again"
    trouble = lease_trouble(seen)
    if trouble is not None:
        yield trouble


def _notes(policy: Document | None) -> dict[str, str]:
    found: dict[str, str] = (policy or {}).get("metadata", {}).get("annotations") or {}
    return found


def _mode(binding: Document) -> str:
    return "enforce" if "Deny" in binding["spec"]["validationActions"] else "warn"


def _lease(reading: Reading, now: datetime) -> LeaseNow:
    age = None if reading.renewed is None else (now - reading.renewed).total_seconds()
    return LeaseNow(name=reading.name, renewed=reading.renewed, age_seconds=age)


def _place(place: Place, seen: Seen) -> PlaceNow:
    standby, override = (place.annotations.get(key) for key in (STANDBY_UNTIL, OVERRIDE_UNTIL))
    clocks = [each.renewed for each in seen.readings if each.renewed is not None]
    latest = max(clocks, default=seen.now)
    opened = any(text is not None and _ahead(text, latest) for text in (standby, override))
    return PlaceNow(name=place.name, standby_until=standby, override_until=override, open=opened)


def _ahead(text: str, clock: datetime) -> bool:
    """Whether the policy takes this for an instant after its clock."""
    try:
        return is_instant(text) and clock < parse_instant(text)
    except ValueError:
        return False
