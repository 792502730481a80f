"""The worker looks ahead, too: shortfalls are told beforehand, caches follow the level."""

from datetime import UTC, datetime, timedelta

import psycopg

from gate.core.decision import Level
from gate.service.scaling.cache import current_config
from gate.store.connect import Target, connect
from tests.cluster.prescale_working import HIGH, Site, failures
from tests.controlplane.processes import wait_for

BEYOND_GUESTS = 67 * 30 * 150
"""So many of one wedding need 67 replicas."""
CACHE = "cache: {NORMAL: {ttl: '60'}, HIGH: {ttl: '300'}}"


def ttl(site: Site) -> str | None:
    path = f"/api/v1/namespaces/{site.namespace}/configmaps/saturday-gate-cache"
    answer = site.plane.request("GET", path)
    return answer.body["data"]["ttl"] if answer.status == 200 else None


def test_a_shortfall_is_a_failure_ahead_of_the_day(site: Site, where: Target) -> None:
    site.deployment(replicas=10)
    site.hpa()
    day = (datetime.now(UTC) + timedelta(days=3)).date()
    rows = f"id,date,timezone,guests,days\nahead,{day},UTC,{BEYOND_GUESTS},1\n"
    site.put(site.calendar, rows)
    with site.working(where=where, foresee=True) as worker:
        wait_for("it is told", lambda: "capacity/ceiling" in failures(worker), seconds=20.0)
        said = failures(worker)["capacity/ceiling"]
        assert "17 beyond the ceiling of 50" in said
        site.plan("NORMAL")
        wait_for("it has ended", lambda: not failures(worker), seconds=20.0)


def test_cache_settings_follow_the_level(site: Site, where: Target) -> None:
    text = site.policy.read_text()
    site.put(site.policy, text.replace("factor: 1}}", f"factor: 1}}, {CACHE}}}"))
    site.deployment(replicas=10)
    site.hpa()
    with site.working(where=where, foresee=True) as worker:
        wait_for("the settings of NORMAL", lambda: ttl(site) == "60", seconds=20.0)
        site.plan("HIGH")
        site.until(HIGH)
        wait_for("the settings of HIGH", lambda: ttl(site) == "300", seconds=20.0)
        with connect(where) as connection:
            wait_for("the record", lambda: _applied(connection) is Level.HIGH, seconds=20.0)
        assert "cache" not in failures(worker)


def _applied(connection: psycopg.Connection) -> Level | None:
    held = current_config(connection)
    return held.level if held is not None and held.applied_at is not None else None
