"""Scopes of windows, exceptions and manual locks, as the API server reads them."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from gate.core.decision import ManualLock
from gate.core.timeline import Timeline
from tests.cluster.fallback.clock import Clock
from tests.cluster.fallback.lab import HOUR, MERGE, NO_LEVEL, Lab, acting, span, workload
from tests.core.build import timeline

pytestmark = pytest.mark.xdist_group("fallback")

NAMES = ("api", "photo-1", "photo-12", "db.main")


@pytest.fixture(scope="module")
def namespace(lab: Lab) -> Iterator[str]:
    with lab.namespace(*(workload("Deployment", name) for name in NAMES)) as name:
        yield name


def policy(*windows: str, locks: tuple[ManualLock, ...] = (), more: str = "") -> Timeline:
    listed = f"windows:\n{''.join(windows)}" if windows else "windows: []\n"
    return timeline(f"{listed}{NO_LEVEL}{more}", locks=locks)


def manual(**parts: Any) -> ManualLock:
    now = datetime.now(UTC)
    common = {"id": "1", "by": "alice", "reason": "the cake fell over"}
    return msgspec.convert({**common, "start": now - HOUR, "end": now + HOUR, **parts}, ManualLock)


def locked(lab: Lab, namespace: str) -> set[str]:
    """Which of the objects cannot be deleted."""
    found = set()
    for name in NAMES:
        path = lab.objects(namespace, {"kind": "Deployment"}, name=name, dry=True)
        if lab.plane.request("DELETE", path).status == 403:
            found.add(name)
    return found


def now(**scope: list[str]) -> str:
    return span(-HOUR, HOUR, scope=scope)


GLOBS = {
    ("photo-?",): {"photo-1"},
    ("photo-*",): {"photo-1", "photo-12"},
    ("[!a]*",): {"photo-1", "photo-12", "db.main"},
    ("db?main", "api"): {"db.main", "api"},
    ("db.m[a-c]in",): {"db.main"},
    ("*o*", "nothing"): {"photo-1", "photo-12"},
    ("API", "b.main", "photo"): set(),
    ("*",): set(NAMES),
}


def test_globs_of_services(clock: Clock) -> None:
    """A day a list of globs: until noon it locks, from then on it excepts."""
    first = datetime(2026, 6, 1, tzinfo=UTC)
    windows: list[dict[str, Any]] = []
    for day, globs in enumerate(GLOBS):
        scope = {"services": list(globs)}
        morning = first + timedelta(days=day)
        times = [(morning + hours * HOUR).isoformat() for hours in (0, 12, 24)]
        windows += [
            {"start": times[0], "end": times[1], "scope": scope},
            {"start": times[1], "end": times[2]},
            {"start": times[1], "end": times[2], "kind": "open", "scope": scope},
        ]
    named = [f"  - {json.dumps({'name': str(n), **each})}\n" for n, each in enumerate(windows)]
    with clock.namespace(*(workload("Deployment", name) for name in NAMES)) as name:
        clock.install(policy(*named), at=first)
        for day, (globs, expected) in enumerate(GLOBS.items()):
            clock.set(first + timedelta(days=day, hours=6))
            assert locked(clock, name) == expected, globs
            clock.set(first + timedelta(days=day, hours=18))
            assert locked(clock, name) == set(NAMES) - expected, globs


def test_namespaces_and_services_both_have_to_fit(lab: Lab, namespace: str) -> None:
    lab.install(
        policy(
            now(namespaces=["fallback-*"], services=["api"]),
            now(namespaces=[f"{namespace}?", "other"], services=["db*"]),
        )
    )
    assert locked(lab, namespace) == {"api"}


def test_what_a_cluster_cannot_know_is_locked(lab: Lab, namespace: str) -> None:
    """Repositories never, the environment only where it is told: locks count, exceptions do not."""
    photos = {"repositories": ["acme/photos"]}
    lab.install(policy(now(**photos), span(-HOUR, HOUR, kind="open", scope=photos)))
    assert locked(lab, namespace) == set(NAMES)
    production = {"environments": ["prod*"]}
    by_environment = policy(
        now(**production, services=["api"]),
        now(services=["photo-1"]),
        span(-HOUR, HOUR, kind="open", scope=production),
    )
    for environment, expected in (
        ("staging", {"photo-1"}),
        ("production", set()),
        (None, {"api", "photo-1"}),
    ):
        lab.install(by_environment, environment=environment)
        assert locked(lab, namespace) == expected


def test_manual_locks_of_some_actions(lab: Lab, namespace: str) -> None:
    """Nothing lifts them, and they concern what they name."""
    lock = manual(actions=["scale-down", "config"], scope={"services": ["api"]})
    everything = manual(scope={"services": ["db*"]})
    lab.install(policy(span(-HOUR, HOUR, kind="open"), locks=(lock, everything)))
    assert locked(lab, namespace) == {"db.main"}

    def scaled(name: str, replicas: int) -> int:
        path = lab.objects(namespace, {"kind": "Deployment"}, name=name)
        return lab.patch(f"{path}/scale?dryRun=All", {"spec": {"replicas": replicas}}, MERGE).status

    assert (scaled("api", 1), scaled("api", 3), scaled("photo-1", 1)) == (403, 200, 200)


def test_the_message_ends_where_the_lock_does_for_this_object(lab: Lab, namespace: str) -> None:
    """A lock of all for an hour, then of one object for another."""
    lab.install(
        policy(
            now(),
            span(HOUR / 2, 2 * HOUR, scope={"services": ["api"]}),
            locks=(manual(end=None, scope={"services": ["db*"]}),),
        )
    )
    ends = {}
    for name in ("api", "photo-1", "db.main"):
        path = lab.objects(namespace, {"kind": "Deployment"}, name=name, dry=True)
        message = lab.plane.request("DELETE", path).body["message"]
        ends[name] = message.partition("is locked ")[2].partition(" (")[0]
    assert ends["db.main"] == "until it is released"
    hours = {
        name: round((_instant(ends[name]) - datetime.now(UTC)) / HOUR)
        for name in ("api", "photo-1")
    }
    assert hours == {"api": 2, "photo-1": 1}


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text.removeprefix("until "))


def test_cells_and_identities(lab: Lab, namespace: str) -> None:
    cells = "actions: {deploy: {locked: {human: allow, automation: deny}}}\n"
    people = (
        "identities:\n"
        "  - {user: 'bot-*', group: 'system:*', invoker: automation}\n"
        "  - {user: '*:ci:x', invoker: human}\n"
        "  - {group: 'sso:*', invoker: automation}\n"
        "  - {user: bot-1, invoker: human}\n"
    ) + "".join(f"  - {{user: 'nobody-{n}-*', invoker: automation}}\n" for n in range(500))
    lab.install(policy(now(), more=cells + people))
    path = lab.objects(namespace, {"kind": "Deployment"}, name="api", dry=True)
    for user, expected in (
        ("alice", 200),
        ("bot-1", 403),
        ("robot-1", 200),
        ("system:serviceaccount:ci:x", 200),
        ("system:serviceaccount:ci:y", 403),
        ("nobody-499-x", 403),
        ("nobody-500-x", 200),
    ):
        answer = lab.plane.request("DELETE", path, **acting(user))
        assert answer.status == expected, user


def test_where_nobody_is_denied_nothing_is(lab: Lab, namespace: str) -> None:
    rows = "".join(f"{a}: {{locked: allow}}, " for a in ("deploy", "restart", "scale-down"))
    lab.install(policy(now(), more=f"actions: {{{rows}}}\n"))
    assert locked(lab, namespace) == set()
