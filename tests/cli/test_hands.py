"""`gate scale` and `gate emergency` without a cluster: what stands in the database."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gate.store.connect import Target
from tests.cli.conftest import Gate

NOWHERE = "host=/nonexistent user=gate dbname=gate"
SET = ("scale", "set", "shop/checkout")
ASKED = (*SET, "--min", "60", "--for", "2h", "--reason", "a flash sale")
BEGIN = ("emergency", "activate", "--reason", "the photo service is drowning")


@pytest.fixture(autouse=True)
def no_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def plan(tmp_path: Path) -> tuple[str, ...]:
    """A policy that locks nothing, a calendar of long ago: the floor in force is always 10."""
    policy, calendar = tmp_path / "policy.yaml", tmp_path / "weddings.csv"
    policy.write_text(
        "version: 1\ntimezone: Europe/London\nwindows: []\n"
        "override: {roles: [sre-lead], approvals: 0}\nload: {capacity: {emergency: 250}}\n"
    )
    calendar.write_text("id,date,timezone\na,2020-06-13,Europe/London\n")
    return "--policy", str(policy), "--calendar", str(calendar)


def test_a_floor_is_set_seen_and_released(gate: Gate, store: Target, plan: tuple[str, ...]) -> None:
    made = gate(*ASKED, *plan, "--json")
    assert (made.code, made.err) == (0, "")
    event = made.json
    assert set(event) == {
        *("id", "target", "from", "to", "until", "reason", "by", "status", "applied")
    }
    assert event["target"] == "shop/checkout"
    assert (event["from"], event["to"]) == (None, {"min": 60, "max": None})
    assert (event["by"], event["reason"]) == ("ann", "a flash sale")
    assert (event["status"], event["applied"]) == ("waiting", False)
    assert gate("scale", "list", "--json").json == [event]
    assert "shop/checkout at 60 until" in gate("scale", "list").out
    released = gate("scale", "release", "shop/checkout", "--reason", "it is over", "--json")
    assert released.code == 0
    done = released.json
    assert (done["target"], done["applied"], done["min"]) == ("shop/checkout", False, None)
    assert [(each["id"], each["status"]) for each in done["released"]] == [
        (event["id"], "released")
    ]
    assert gate("scale", "list", "--json").json == []
    assert gate("scale", "list").out == "no manual floors\n"
    assert [each["status"] for each in gate("scale", "list", "--all", "--json").json] == [
        "released"
    ]
    again = gate("scale", "release", "shop/checkout")
    assert (again.code, again.out) == (0, "shop/checkout: no manual floor to release\n")
    acts = [(each["kind"], each["action"]) for each in gate("audit", "list", "--json").json]
    assert sorted(acts) == [("scaling", "release"), ("scaling", "set")]


def test_everything_wrong_is_said_together(gate: Gate, store: Target) -> None:
    ended = gate(
        *("scale", "set", "checkout", "--min", "9", "--max", "3", "--reason", ""),
        *("--until", "2020-01-01T00:00:00Z"),
    )
    assert (ended.code, ended.out) == (2, "")
    for field in ("target", "reason", "max", "until"):
        assert f"gate: {field}: " in ended.err
    assert gate("scale", "list", "--json").json == []


@pytest.mark.parametrize(
    "arguments",
    [
        (*SET, "--min", "60", "--reason", "x"),
        (*SET, "--min", "60", "--reason", "x", "--for", "1h", "--until", "2099-01-01T00:00:00Z"),
        (*SET, "--reason", "x", "--for", "1h"),
        (*SET, "--min", "many", "--reason", "x", "--for", "1h"),
        (*ASKED, "--policy", "nothing-here.yaml"),
        (*ASKED, "--kubeconfig", "nothing-here"),
        ("emergency", "activate"),
        (*BEGIN, "--until", "2020-01-01T00:00:00Z"),
        ("emergency", "activate", "--reason", " "),
        ("scale", "release", "checkout"),
    ],
)
def test_bad_usage_does_nothing(gate: Gate, store: Target, arguments: tuple[str, ...]) -> None:
    ended = gate(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert gate("scale", "list", "--json").json == []
    assert gate("emergency", "status", "--json").json == {"active": False}


def test_below_the_floor_in_force_is_refused(
    gate: Gate, store: Target, plan: tuple[str, ...]
) -> None:
    low = (*SET, "--min", "9", "--for", "2h", "--reason", "it is quiet")
    unchecked = gate(*low, "--json")
    assert unchecked.code == 0
    assert unchecked.json["note"] == "the floor in force is not known here"
    gate("scale", "release", "shop/checkout")
    half = gate(*low, *plan[:2])
    assert half.code == 2, "a policy alone tells no plan"
    assert "no calendar" in half.err
    refused = gate(*low, *plan)
    assert (refused.code, refused.out) == (2, "")
    assert "min: 9 lies below the floor in force, 10 (the plan, level NORMAL)" in refused.err
    assert gate(*SET, "--min", "10", "--for", "2h", "--reason", "x", *plan).code == 0


@pytest.mark.parametrize(("guests", "level", "floor"), [(90_000, "HIGH", 35), (1e6, "MAXIMUM", 50)])
def test_the_plan_s_rung_is_the_floor_in_force_where_no_cluster_tells(
    gate: Gate, store: Target, plan: tuple[str, ...], guests: float, level: str, floor: int
) -> None:
    policy = Path(plan[1])
    flat = "load: {hours: {0: 1}, saturday: 1, season: {factor: 1}}"
    policy.write_text(policy.read_text().partition("load:")[0] + flat)
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    Path(plan[3]).write_text(f"id,date,timezone,days,guests\na,{yesterday},UTC,3,{guests:.0f}\n")
    ask = (*SET, "--for", "2h", "--reason", "x", *plan, "--min")
    refused = gate(*ask, floor - 1)
    assert (refused.code, f"{floor} (the plan, level {level})" in refused.err) == (2, True)
    assert gate(*ask, floor).code == 0


def test_the_plan_of_the_database_counts_too(
    gate: Gate, store: Target, plan: tuple[str, ...]
) -> None:
    assert gate("policy", "import", plan[1]).code == 0
    assert gate("policy", "activate", "1").code == 0
    assert gate("calendar", "import", plan[3]).code == 0
    refused = gate(*SET, "--min", "9", "--for", "2h", "--reason", "it is quiet")
    assert (refused.code, "lies below the floor in force, 10" in refused.err) == (2, True)
    assert gate(*BEGIN, "--json").json["floor"] == 250


def test_an_override_allows_what_lies_below(
    gate: Gate, store: Target, plan: tuple[str, ...]
) -> None:
    low = (*SET, "--min", "9", "--for", "2h", "--reason", "it is quiet", *plan)
    grant = ("override", "grant", "--reason", "costs are running away", "--for", "1h")
    other = (*grant, "--roles", "sre-lead", "--actions", "deploy")
    assert gate(*other).code == 0
    assert gate(*grant, "--actions", "scale-down", "--roles", "guest").code == 0
    elsewhere = (*grant, "--actions", "scale-down", "--roles", "sre-lead", "--service", "photos")
    assert gate(*elsewhere).code == 0
    assert gate(*low).code == 2, "of another action, without the role, for another target"
    mine = (*grant, "--actions", "scale-down", "--roles", "sre-lead", "--service", "checkout")
    granted = gate(*mine, "--json").json
    allowed = gate(*low, "--json")
    assert (allowed.code, allowed.json["override"]) == (0, granted["id"])
    assert f"by override {granted['id']}" in gate("scale", "list").out


def test_an_emergency_begins_is_extended_and_ends(
    gate: Gate, store: Target, plan: tuple[str, ...]
) -> None:
    begun = gate(*BEGIN, "--json")
    assert (begun.code, begun.err) == (0, "")
    told = begun.json
    assert (told["active"], told["change"], told["locked"]) == (True, "activated", True)
    assert (told["floor"], told["level"], told["by"]) == (100, "MAXIMUM", "ann")
    assert "targets" not in told
    locks = gate("lock", "list", "--json").json
    assert [(lock["id"], lock["scope"], lock["until"]) for lock in locks] == [
        (told["lock_id"], {}, told["until"])
    ]
    check = ("check", *plan, "--dsn", store.dsn, "--action")
    denied = gate(*check, "deploy", "--json")
    assert denied.code == 3
    assert "the photo service is drowning" in denied.out
    assert [gate(*check, mends).code for mends in ("rollback", "scale-up")] == [0, 0]
    again = gate(*BEGIN, "--until", told["until"], "--json").json
    assert again == told | {"change": "unchanged"}
    assert "is active already" in gate(*BEGIN).out
    assert gate("emergency", "status", "--json").json == without(told, "change")
    later = gate(*BEGIN, "--for", "9h", "--json").json
    assert (later["id"], later["change"]) == (told["id"], "extended")
    assert later["until"] > told["until"]
    sooner = gate(*BEGIN, "--for", "1h")
    assert (sooner.code, "gate emergency deactivate" in sooner.err) == (2, True)
    ended = gate("emergency", "deactivate", "--reason", "mended", "--json")
    assert ended.code == 0
    over = ended.json
    assert (over["active"], over["id"], over["change"]) == (False, told["id"], "deactivated")
    assert all(lock["released_at"] for lock in gate("lock", "list", "--all", "--json").json)
    assert gate(*check, "deploy").code == 0
    assert gate("emergency", "deactivate", "--json").json == {"active": False}
    assert gate("emergency", "status").out == "no emergency is active\n"
    verified = gate("audit", "verify", "--json")
    assert (verified.code, verified.json["ok"]) == (0, True)


def without(told: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in told.items() if name not in names}


def test_the_policy_says_how_high_an_emergency_goes(
    gate: Gate, store: Target, plan: tuple[str, ...]
) -> None:
    assert gate(*BEGIN, *plan[:2], "--json").json["floor"] == 250


@pytest.mark.parametrize(
    "command",
    [
        ASKED,
        ("scale", "release", "shop/checkout"),
        ("scale", "list"),
        BEGIN,
        ("emergency", "deactivate"),
        ("emergency", "status"),
    ],
    ids=lambda command: " ".join(command[:2]),
)
def test_with_nothing_at_hand_nothing_is_done(gate: Gate, command: tuple[str, ...]) -> None:
    gone = gate(*command, "--dsn", NOWHERE)
    assert (gone.code, gone.out) == (4, "")
    assert "not available" in gone.err
    none = gate(*command)
    assert (none.code, none.out) == (2, "")
    assert "neither a database nor a cluster is named" in none.err


@pytest.mark.parametrize("command", [ASKED, BEGIN], ids=["scale", "emergency"])
def test_a_schema_out_of_date_is_said(gate: Gate, bare: Target, command: tuple[str, ...]) -> None:
    ended = gate(*command)
    assert (ended.code, ended.out) == (4, "")
    assert "gate db migrate" in ended.err


def test_a_cluster_that_is_away_leaves_the_rest_to_the_pre_scaler(
    gate: Gate, store: Target, away: str
) -> None:
    begun = gate(*BEGIN, "--kubeconfig", away, "--json")
    assert (begun.code, begun.json["locked"], "targets" in begun.json) == (4, True, False)
    assert "FLOORS ARE NOT RAISED" in begun.err
    assert gate("emergency", "status", "--json").json["active"] is True
    floor = gate(*ASKED, "--kubeconfig", away, "--json")
    assert (floor.code, floor.json["applied"], floor.json["status"]) == (4, False, "waiting")
    assert "the pre-scaler applies it once the cluster answers" in floor.err


@pytest.fixture
def away(tmp_path: Path) -> str:
    """A kubeconfig of a cluster where nothing listens."""
    path = tmp_path / "kubeconfig"
    path.write_text(
        "apiVersion: v1\nkind: Config\ncurrent-context: away\n"
        "clusters: [{name: away, cluster: {server: 'http://127.0.0.1:9'}}]\n"
        "contexts: [{name: away, context: {cluster: away, user: away}}]\n"
        "users: [{name: away, user: {token: none}}]\n"
    )
    return str(path)
