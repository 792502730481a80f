"""The schema, manual locks and overrides on a real PostgreSQL."""

import json
from pathlib import Path

import pytest

from gate.store.connect import Target
from tests.cli import run
from tests.cli.conftest import Gate
from tests.cli.support import INPUTS, POLICY

NOWHERE = "host=/nonexistent user=gate dbname=gate"


def test_migrate_brings_a_schema_up_to_date_once(gate: Gate, bare: Target) -> None:
    before = gate("db", "status", "--json").json
    assert before["up_to_date"] is False
    assert {line["state"] for line in before["migrations"]} == {"pending"}
    assert "run gate db migrate" in gate("db", "status").out
    first = gate("db", "migrate", "--json")
    assert first.code == 0
    assert len(first.json["applied"]) == len(before["migrations"])
    assert gate("db", "migrate", "--json").json["applied"] == []
    assert "is up to date" in gate("db", "migrate").out
    after = gate("db", "status", "--json").json
    assert after["up_to_date"] is True
    assert {line["state"] for line in after["migrations"]} == {"applied"}


@pytest.mark.parametrize(
    "command",
    [
        ("lock", "list"),
        ("override", "list"),
        ("policy", "list"),
        ("calendar", "list"),
        ("audit", "list"),
        ("audit", "verify"),
        ("windows", *INPUTS, "--from", "2026-06-13T00:00:00Z", "--to", "2026-06-14T00:00:00Z"),
        ("explain", *INPUTS),
    ],
    ids=lambda command: " ".join(command[:2]),
)
def test_a_schema_out_of_date_is_said_with_the_command_to_run(
    gate: Gate, bare: Target, command: tuple[str, ...]
) -> None:
    ended = gate(*command)
    assert (ended.code, ended.out) == (4, "")
    assert "gate db migrate" in ended.err


@pytest.mark.parametrize(
    "command",
    [("db", "status"), ("db", "migrate"), ("lock", "list"), ("audit", "verify"), ("audit", "list")],
    ids=" ".join,
)
def test_which_database_is_wrong_and_how(gate: Gate, command: tuple[str, ...]) -> None:
    gone = gate(*command, "--dsn", NOWHERE)
    assert (gone.code, gone.out) == (4, "")
    assert "not available" in gone.err
    bad = gate(*command, "--dsn", "pass=word=secret")
    assert (bad.code, bad.out) == (2, "")
    assert "secret" not in bad.err
    none = gate(*command)
    assert (none.code, none.out) == (2, "")
    assert "GATE_DSN" in none.err


def test_a_lock_is_set_seen_and_released(gate: Gate, store: Target) -> None:
    done = gate("lock", "set", "--reason", "failover", "--from", "2026-06-09T00:00:00Z",
                "--scope", "services=api,photo-*", "--environment", "prod*",
                "--actions", "deploy,config", "--json")  # fmt: skip
    assert (done.code, done.err) == (0, "")
    lock = done.json
    assert lock["by"] == "ann"
    assert lock["scope"] == {"environments": ["prod*"], "services": ["api", "photo-*"]}
    assert lock["actions"] == ["deploy", "config"]
    assert (lock["from"], lock["until"]) == ("2026-06-09T00:00:00Z", None)
    assert [each["id"] for each in gate("lock", "list", "--json").json] == [lock["id"]]
    listed = gate("lock", "list").out
    assert "until it is released" in listed
    assert "deploy, config on environments prod*; services api, photo-*" in listed
    released = gate("lock", "release", lock["id"], "--by", "bob", "--json").json
    assert released["released_by"] == "bob"
    assert gate("lock", "list", "--json").json == []
    assert "no locks" in gate("lock", "list").out
    assert len(gate("lock", "list", "--all", "--json").json) == 1
    again = gate("lock", "release", lock["id"])
    assert (again.code, again.out) == (2, "")
    assert gate("lock", "release", "no-such-lock").code == 2


def test_a_lock_shows_in_windows_and_explain(gate: Gate, store: Target) -> None:
    span = ("--from", "2026-06-08T00:00:00Z", "--to", "2026-06-10T00:00:00Z")
    assert gate("windows", *INPUTS, *span, "--json").json == []
    times = ("--from", "2026-06-08T06:00:00Z", "--until", "2126-06-08T07:00:00Z")
    lock = gate("lock", "set", "--reason", "failover", *times, "--actions", "deploy", "--json").json
    (stretch,) = gate("windows", *INPUTS, *span, "--json").json
    assert stretch["start"] == "2026-06-08T06:00:00Z"
    assert stretch["causes"] == [
        {
            "code": "manual-lock",
            "lock": lock["id"],
            "by": "ann",
            "start": "2026-06-08T06:00:00Z",
            "end": "2126-06-08T07:00:00Z",
        }
    ]
    assert gate("windows", *INPUTS, *span, "--action", "config", "--json").json == []
    assert f"lock {lock['id']} by ann" in gate("windows", *INPUTS, *span).out
    picture = gate("explain", *INPUTS, "--at", "2026-06-08T12:00:00Z", "--days", "1").out
    assert "XXXX" in picture
    assert "locked by ann" in picture


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--scope", "colour=red"), "--scope"),
        (("--scope", "environments"), "--scope"),
        (("--scope", "environments=prod,"), "--scope"),
        (("--scope", '{"environments": []}'), "--scope"),
        (("--scope", '{"environments": "prod"}'), "--scope"),
        (("--actions", "explode"), "--actions"),
        (("--until", "tomorrow"), "--until"),
        (("--until", "2126-01-01T00:00:00Z", "--for", "2h"), "--for"),
        (("--until", "2020-01-01T00:00:00Z"), "until"),
    ],
)
def test_a_lock_that_cannot_be_is_refused(
    gate: Gate, store: Target, options: tuple[str, ...], named: str
) -> None:
    ended = gate("lock", "set", "--reason", "failover", *options)
    assert (ended.code, ended.out) == (2, "")
    assert named in ended.err
    assert gate("lock", "list", "--json").json == []


def test_a_scope_may_be_json(gate: Gate, store: Target) -> None:
    scope = {"namespaces": ["wed*"], "repositories": ["acme/*"]}
    lock = gate("lock", "set", "--reason", "x", "--scope", json.dumps(scope), "--json").json
    assert lock["scope"] == scope


def test_an_override_is_granted_approved_and_revoked(gate: Gate, store: Target) -> None:
    granted = gate("override", "grant", "--reason", "the checkout is down", "--for", "1h",
                   "--roles", "sre-lead,dba", "--environment", "production",
                   "--policy", POLICY, "--json")  # fmt: skip
    assert (granted.code, granted.err) == (0, "")
    override = granted.json
    assert override["by"] == "ann"
    assert override["roles"] == ["sre-lead", "dba"]
    assert override["approvals"] == []
    own = gate("override", "approve", override["id"])
    assert (own.code, own.out) == (2, "")
    approved = gate("override", "approve", override["id"], "--by", "bob", "--json").json
    assert [approval["by"] for approval in approved["approvals"]] == ["bob"]
    assert gate("override", "approve", override["id"], "--by", "bob").code == 2
    assert "approved by bob" in gate("override", "list").out
    revoked = gate("override", "revoke", override["id"], "--by", "cleo", "--json").json
    assert revoked["revoked_by"] == "cleo"
    assert gate("override", "list", "--json").json == []
    assert "no overrides" in gate("override", "list").out
    assert len(gate("override", "list", "--all", "--json").json) == 1
    assert gate("override", "revoke", override["id"]).code == 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--reason", "too short", "--for", "1h"), "reason"),
        (("--reason", "the checkout is down"), "--until"),
        (("--reason", "the checkout is down", "--until", "2020-01-01T00:00:00Z"), "until"),
        (("--reason", "the checkout is down", "--for", "5h", "--policy", POLICY), "until"),
        (("--reason", "the checkout is down", "--for", "1h", "--policy", POLICY), "roles"),
    ],
)
def test_an_override_that_cannot_be_is_refused(
    gate: Gate, store: Target, options: tuple[str, ...], said: str
) -> None:
    ended = gate("override", "grant", *options)
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err


def test_granting_says_what_comes_next(gate: Gate, store: Target) -> None:
    base = ("override", "grant", "--reason", "the checkout is down", "--for", "1h")
    text = gate(*base, "--roles", "sre-lead", "--policy", POLICY).out
    assert "to be approved by 1 more: gate override approve " in text
    assert "as many others as the policy says" in gate(*base).out


def test_the_embedded_server_can_be_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATE_DATA_DIR", str(tmp_path / "data"))
    assert run.gate("db", "stop", "--dsn", "embedded").out == "it was not running\n"
    assert run.gate("db", "migrate", "--dsn", "embedded").code == 0
    assert run.gate("db", "stop", "--dsn", "embedded").out == "stopped\n"
    assert run.gate("db", "stop", "--dsn", "embedded", "--json").json == {"stopped": False}
    refused = run.gate("db", "stop", "--dsn", "postgresql://db.example/x")
    assert (refused.code, "only the embedded" in refused.err) == (2, True)
