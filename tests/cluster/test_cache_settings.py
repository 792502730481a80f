"""The ConfigMap of the level's cache settings on a real API server, with a real database."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import patch

import pytest
from kubernetes.client import ApiClient
from msgspec.structs import replace

from gate.core.decision import Level
from gate.core.policy import LevelName
from gate.service.keeper.kube import named_client
from gate.service.scaling.cache import CacheRun, apply_cache, current_config
from gate.store.connect import connect
from tests.cluster.gate import Gate
from tests.cluster.prescaling import MAXIMUM, NORMAL, Prescaling
from tests.cluster.roles import granted
from tests.controlplane.plane import ControlPlane
from tests.postgres import fresh_schema

CACHE: dict[LevelName, dict[str, str]] = {
    "NORMAL": {"ttl_seconds": "60"},
    "HIGH": {"ttl_seconds": "300", "warm-up.json": '["venues"]'},
}
AT = datetime(2026, 6, 13, 6, tzinfo=UTC)
MERGE = "application/merge-patch+json"


@pytest.fixture
def client(control_plane: ControlPlane) -> Iterator[ApiClient]:
    with named_client(str(control_plane.kubeconfig()), {}) as made:
        yield made


def path(namespace: str) -> str:
    return f"/api/v1/namespaces/{namespace}/configmaps/saturday-gate-cache"


def applied(run: CacheRun | None) -> list[bool]:
    assert run is not None
    assert run.problems == ()
    return [outcome.changed for outcome in run.outcomes]


def test_a_map_a_namespace_written_where_it_says_something_else(
    control_plane: ControlPlane, namespace: str, client: ApiClient
) -> None:
    with control_plane.namespace() as other:
        both = [namespace, other, namespace]
        assert applied(apply_cache(client, CACHE, Level.HIGH, both, at=AT)) == [True, True]
        found = control_plane.get(path(namespace))
        assert found["data"] == {"ttl_seconds": "300", "warm-up.json": '["venues"]'}
        assert found["metadata"]["labels"]["saturday-gate.io/runtime"] == "true"
        assert found["metadata"]["annotations"] == {"saturday-gate.io/level": "HIGH"}
        assert applied(apply_cache(client, CACHE, Level.HIGH, both, at=AT)) == [False, False]
        version = found["metadata"]["resourceVersion"]
        assert control_plane.get(path(namespace))["metadata"]["resourceVersion"] == version
        assert applied(apply_cache(client, CACHE, Level.NORMAL, [namespace], at=AT)) == [True]
        assert control_plane.get(path(namespace))["data"] == {"ttl_seconds": "60"}
        assert control_plane.get(path(other))["data"]["ttl_seconds"] == "300"


def test_keys_of_others_stay_and_the_gate_s_are_put_back(
    control_plane: ControlPlane, namespace: str, client: ApiClient
) -> None:
    apply_cache(client, CACHE, Level.HIGH, [namespace], at=AT)
    change = {"data": {"theirs": "1", "ttl_seconds": "7"}}
    where = f"{path(namespace)}?fieldManager=somebody"
    control_plane.request("PATCH", where, change, content_type=MERGE).ok()
    assert applied(apply_cache(client, CACHE, Level.HIGH, [namespace], at=AT)) == [True]
    assert control_plane.get(path(namespace))["data"] == {
        "ttl_seconds": "300", "warm-up.json": '["venues"]', "theirs": "1",
    }  # fmt: skip
    assert applied(apply_cache(client, CACHE, Level.HIGH, [namespace], at=AT)) == [False]
    assert applied(apply_cache(client, CACHE, Level.NORMAL, [namespace], at=AT)) == [True]
    assert control_plane.get(path(namespace))["data"] == {"ttl_seconds": "60", "theirs": "1"}


def test_nothing_is_done_where_nothing_is_set_or_known(
    control_plane: ControlPlane, namespace: str, client: ApiClient
) -> None:
    assert apply_cache(client, {}, Level.HIGH, [namespace], at=AT) is None
    assert apply_cache(client, CACHE, None, [namespace], at=AT) is None
    assert apply_cache(client, CACHE, Level.HIGH, [], at=AT) is None
    rehearsed = apply_cache(client, CACHE, Level.HIGH, [namespace], at=AT, dry_run=True)
    assert applied(rehearsed) == [True]
    assert control_plane.request("GET", path(namespace)).status == 404


def test_the_record_says_what_was_applied_and_when(namespace: str, client: ApiClient) -> None:
    with fresh_schema() as store:
        run = apply_cache(client, CACHE, Level.HIGH, [namespace], at=AT, store=store)
        assert applied(run) == [True]
        with connect(store) as connection:
            held = current_config(connection)
        assert held is not None
        assert (held.level, held.valid_from, held.applied_at) == (Level.HIGH, AT, AT)
        assert held.settings == {"ttl_seconds": "300", "warm-up.json": '["venues"]'}


def test_a_database_that_is_away_stops_nothing(
    control_plane: ControlPlane, namespace: str, client: ApiClient
) -> None:
    with fresh_schema() as store:
        away = replace(store, dsn="postgresql://nobody@127.0.0.1:9/none")
        run = apply_cache(client, CACHE, Level.HIGH, [namespace], at=AT, store=away)
    assert run is not None
    (trouble,) = run.problems
    assert "is not recorded" in trouble
    assert [outcome.changed for outcome in run.outcomes] == [True]
    assert control_plane.get(path(namespace))["data"]["ttl_seconds"] == "300"


def test_who_may_not_write_is_told_and_the_record_stays_open(
    control_plane: ControlPlane, namespace: str
) -> None:
    with (
        fresh_schema() as store,
        named_client(str(control_plane.kubeconfig("nobody", ["nothing"])), {}) as powerless,
    ):
        run = apply_cache(powerless, CACHE, Level.HIGH, [namespace], at=AT, store=store)
        assert run is not None
        (problem,) = run.problems
        assert "403" in problem
        with connect(store) as connection:
            held = current_config(connection)
        assert held is not None
        assert held.applied_at is None


def test_rights_on_that_one_name_are_enough(control_plane: ControlPlane, namespace: str) -> None:
    rule = {
        "apiGroups": [""], "resources": ["configmaps"],
        "resourceNames": ["saturday-gate-cache"], "verbs": ["list", "create", "patch"],
    }  # fmt: skip
    with (
        granted(control_plane, f"{namespace}-cache", rule) as config,
        control_plane.namespace() as other,
        named_client(config, {}) as least,
    ):
        both = [namespace, other]
        assert applied(apply_cache(least, CACHE, Level.HIGH, both, at=AT)) == [True, True]
        assert applied(apply_cache(least, CACHE, Level.HIGH, both, at=AT)) == [False, False]
        assert applied(apply_cache(least, CACHE, Level.NORMAL, both, at=AT)) == [True, True]


def test_during_a_lock_the_webhook_takes_it_for_state_once_it_is_there(
    control_plane: ControlPlane, gate: Gate, client: ApiClient
) -> None:
    with control_plane.namespace("locked") as namespace:
        with gate.protected(namespace):
            refused = apply_cache(client, CACHE, Level.NORMAL, [namespace], at=AT)
            assert refused is not None
            (problem,) = refused.problems
            assert "the policy's `exempt`" in problem
        assert applied(apply_cache(client, CACHE, Level.NORMAL, [namespace], at=AT)) == [True]
        with gate.protected(namespace):
            assert applied(apply_cache(client, CACHE, Level.HIGH, [namespace], at=AT)) == [True]
        assert control_plane.get(path(namespace))["data"]["ttl_seconds"] == "300"


def test_prescale_brings_the_settings_with_the_floors(
    control_plane: ControlPlane, namespace: str, tmp_path: Path
) -> None:
    stage = Prescaling(control_plane, namespace, tmp_path)
    cache = "cache: {NORMAL: {ttl: '60'}, MAXIMUM: {ttl: '900'}}"
    text = stage.policy.read_text()
    stage.policy.write_text(text.replace("factor: 1}}", f"factor: 1}}, {cache}}}"))
    stage.hpa()
    with fresh_schema() as store:
        environ = ("--dsn", store.dsn)
        with patch.dict(os.environ, {"GATE_SCHEMA": store.schema}):
            stage.entry(MAXIMUM, "--dry-run", *environ)
            assert control_plane.request("GET", path(namespace)).status == 404
            for at, ttl in ((NORMAL, "60"), (MAXIMUM, "900"), (MAXIMUM, "900"), (NORMAL, "60")):
                done = stage.run(at, *environ)
                assert (done.code, done.err) == (0, "")
                assert control_plane.get(path(namespace))["data"] == {"ttl": ttl}
        with connect(store) as connection:
            found = connection.execute(
                "SELECT level, applied_at IS NOT NULL FROM infrastructure_cache_configs"
                " ORDER BY valid_from"
            ).fetchall()
    assert found == [("NORMAL", True), ("MAXIMUM", True), ("NORMAL", True)]
