"""What people ask without a cluster at hand reaches targets by the pre-scaler's worker."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from gate.store.connect import Target
from tests.cli.run import gate
from tests.cluster.by_hand import stored
from tests.cluster.prescale_working import OWN, Site, events
from tests.controlplane.processes import wait_for

REASON = ("--reason", "a flash sale")


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Target]:
    monkeypatch.delenv("KUBECONFIG", raising=False)
    with stored(monkeypatch) as target:
        yield target


def test_a_floor_is_applied_recorded_and_taken_off(site: Site, store: Target) -> None:
    site.hpa()
    target = f"{site.namespace}/web"
    with site.working(where=store, recheck=timedelta(seconds=60)):
        site.until(OWN)
        made = gate("scale", "set", target, "--min", "60", "--for", "2h", *REASON, "--json")
        assert made.json["applied"] is False
        site.until((60, 60), seconds=4)

        def told() -> bool:
            return bool(gate("scale", "list", "--json").json[0]["applied"])

        wait_for("the record of it", told, seconds=10)
        (event,) = gate("scale", "list", "--json").json
        assert (event["id"], event["status"]) == (made.json["id"], "applied")
        assert (event["from"], event["to"]) == ({"min": 10, "max": 30}, {"min": 60, "max": 60})
        assert gate("scale", "release", target).code == 0
        site.until(OWN, seconds=4)
        wait_for("its end", lambda: all(at for (at,) in restored(store)), seconds=10)


def restored(store: Target) -> list[tuple[datetime | None]]:
    return [(at,) for cause, at in events(store, "cause, restored_at") if cause == "manual"]


def test_an_emergency_raises_and_runs_out(site: Site, store: Target) -> None:
    site.hpa()
    end = (datetime.now(UTC) + timedelta(seconds=6)).isoformat()
    with site.working(where=store, recheck=timedelta(seconds=60)):
        site.until(OWN)
        assert gate("emergency", "activate", *REASON, "--until", end).code == 0
        site.until((100, 100), seconds=4)
        site.until(OWN, seconds=10)
        assert gate("emergency", "status", "--json").json == {"active": False}
    causes = [cause for (cause,) in events(store, "cause")]
    assert "emergency" in causes


def test_what_was_set_on_the_target_alone_becomes_known(site: Site, store: Target) -> None:
    site.hpa()
    target, end = f"{site.namespace}/web", (datetime.now(UTC) + timedelta(hours=2)).isoformat()
    asked = ("scale", "set", target, "--min", "60", "--max", "80", "--until", end, *REASON)
    away = ("--dsn", "host=/nonexistent user=gate dbname=gate")
    made = gate(*asked, *away, "--kubeconfig", site.plane.kubeconfig(), "--json")
    assert (made.code, made.json["applied"]) == (4, True)
    with site.working(where=store):
        wait_for("the record of it", lambda: gate("scale", "list", "--json").json, seconds=10)
        (event,) = gate("scale", "list", "--json").json
        assert (event["id"], event["to"]["min"]) == (made.json["id"], 60)
        assert site.range() == (60, 80)
        gate("scale", "release", target)
        site.until(OWN, seconds=10)
