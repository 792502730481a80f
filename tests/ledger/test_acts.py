"""Locks, overrides, policies and calendars: their life, and the rows that they leave."""

import hashlib
import itertools
import json
import threading
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from gate.core.overrides import is_valid
from gate.core.policy import Action, OverrideRules, Scope
from gate.core.problems import InputError
from gate.ledger.acts.entries import Act, entries, load_locks
from gate.ledger.acts.locks import release_lock, set_lock
from gate.ledger.acts.overrides import approve_override, grant_override, revoke_override
from gate.ledger.acts.policies import activate_policy, active_policy, policies, store_policy
from gate.ledger.acts.weddings import (
    forget_imports,
    import_weddings,
    imports,
    newest_import,
    read_weddings,
)
from gate.ledger.identity import Writer
from gate.ledger.verify import verify
from gate.store.connect import Target, connect
from tests.ledger.build import NOON

_writers = itertools.count(1)
RULES = OverrideRules(
    roles=("sre-lead",), approvals=2, max_ttl=timedelta(hours=4), automation=False
)
REASON = "the payment page is down"


def act(by: str, hours: float = 0, *roles: str) -> Act:
    writer = Writer("command", f"c-{next(_writers)}")
    return Act(by=by, now=NOON + timedelta(hours=hours), roles=roles, writer=writer)


def hour(hours: float) -> datetime:
    return NOON + timedelta(hours=hours)


def events(connection: psycopg.Connection) -> list[tuple[Any, ...]]:
    return connection.execute(
        "SELECT kind, action, actor, subject FROM saturday_protection_audit ORDER BY seq"
    ).fetchall()


def details(connection: psycopg.Connection) -> dict[str, Any]:
    row = connection.execute(
        "SELECT payload FROM saturday_protection_audit ORDER BY seq DESC LIMIT 1"
    ).fetchone()
    assert row is not None
    found: dict[str, Any] = json.loads(row[0])["details"]
    return found


def test_a_lock_lives_and_stays_as_history(connection: psycopg.Connection) -> None:
    scope = Scope(environments=("prod*",), services=("rsvp", "photos"))
    made = set_lock(
        connection,
        act("alice"),
        UUID(int=1),
        reason="storm",
        scope=scope,
        actions=[Action.DEPLOY],
        start=hour(1),
    )
    assert load_locks(connection) == ((made.as_lock(),), ())
    lock = made.as_lock()
    assert (lock.start, lock.end, lock.by, lock.scope) == (hour(1), None, "alice", scope)
    assert lock.actions == (Action.DEPLOY,)
    assert details(connection)["scope"] == {
        "environments": ["prod*"],
        "services": ["rsvp", "photos"],
    }
    assert [entries(connection, "lock", in_force_at=hour(h)) for h in (0, 1)] == [[], [made]]
    released = release_lock(connection, act("bob", 3), lock.id)
    assert released.as_lock().end == hour(3)
    assert [e.id for e in entries(connection, "lock", in_force_at=hour(2.9))] == [made.id]
    assert entries(connection, "lock", in_force_at=hour(3)) == []
    assert load_locks(connection)[0] == (released.as_lock(),)
    with pytest.raises(InputError, match="ended on 2026-06-13T15:00:00Z"):
        release_lock(connection, act("bob", 4), lock.id)
    assert events(connection) == [
        ("lock", "set", "alice", lock.id),
        ("lock", "release", "bob", lock.id),
    ]
    assert verify(connection).ok


def test_a_lock_released_before_it_began_never_held(connection: psycopg.Connection) -> None:
    made = set_lock(connection, act("alice"), uuid4(), reason="storm", start=hour(5), end=hour(6))
    release_lock(connection, act("alice", 1), str(made.id))
    assert load_locks(connection) == ((), ())


def test_a_lock_ends_by_itself(connection: psycopg.Connection) -> None:
    made = set_lock(connection, act("alice"), uuid4(), reason="storm", end=hour(1))
    with pytest.raises(InputError, match="ended"):
        release_lock(connection, act("alice", 1), str(made.id))
    assert load_locks(connection)[0][0].end == hour(1)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"reason": "  "}, "reason"),
        ({"end": hour(0)}, "until"),
        ({"start": hour(2), "end": hour(1)}, "until"),
        ({"start": hour(-3), "end": hour(-1)}, "until"),
        ({"scope": Scope(services=())}, "scope.services"),
        ({"scope": Scope(namespaces=("",))}, "scope.namespaces"),
        ({"reason": "nul\x00"}, None),
    ],
)
def test_a_bad_lock_leaves_nothing(
    connection: psycopg.Connection, changes: dict[str, Any], field: str | None
) -> None:
    with pytest.raises(InputError) as caught:
        set_lock(connection, act("alice"), uuid4(), **({"reason": "storm"} | changes))
    assert [problem.field for problem in caught.value.problems] == [field]
    assert events(connection) == []
    assert load_locks(connection) == ((), ())


def test_an_override_lives(connection: psycopg.Connection) -> None:
    made = grant_override(
        connection,
        act("alice", 0, "sre-lead"),
        uuid4(),
        reason=REASON,
        until=hour(4),
        scope=Scope(services=("pay",)),
        rules=RULES,
    )
    name = str(made.id)
    assert not is_valid(load_locks(connection)[1][0], RULES, hour(0))
    with pytest.raises(InputError, match="alice has asked for it"):
        approve_override(connection, act("alice", 0.1), name)
    approve_override(connection, act("bob", 0.5, "duty-manager"), name)
    with pytest.raises(InputError, match="bob has approved it before"):
        approve_override(connection, act("bob", 0.6), name)
    approve_override(connection, act("carol", 1), name)
    (override,) = load_locks(connection)[1]
    assert [(a.by, a.at, a.roles) for a in override.approvals] == [
        ("bob", hour(0.5), ("duty-manager",)),
        ("carol", hour(1), ()),
    ]
    assert (override.by, override.granted_at, override.until) == ("alice", hour(0), hour(4))
    assert [is_valid(override, RULES, hour(h)) for h in (0.9, 1, 3.9, 4)] == [
        False,
        True,
        True,
        False,
    ]
    revoke_override(connection, act("dave", 2), name)
    (revoked,) = load_locks(connection)[1]
    assert revoked.until == hour(2)
    for broken in (revoke_override, approve_override):
        with pytest.raises(InputError, match="ended"):
            broken(connection, act("erin", 2), name)
    assert [row[:3] for row in events(connection)] == [
        ("override", "grant", "alice"),
        ("override", "approve", "bob"),
        ("override", "approve", "carol"),
        ("override", "revoke", "dave"),
    ]
    assert verify(connection).ok


@pytest.mark.parametrize(
    ("changes", "roles", "field"),
    [
        ({"reason": "too short"}, ("sre-lead",), "reason"),
        ({"until": hour(0)}, ("sre-lead",), "until"),
        ({"until": hour(4.001)}, ("sre-lead",), "until"),
        ({}, ("viewer",), "roles"),
        ({}, (), "roles"),
    ],
)
def test_an_override_that_the_rules_forbid(
    connection: psycopg.Connection, changes: dict[str, Any], roles: tuple[str, ...], field: str
) -> None:
    given: dict[str, Any] = {"reason": REASON, "until": hour(1), "rules": RULES} | changes
    with pytest.raises(InputError) as caught:
        grant_override(connection, act("alice", 0, *roles), uuid4(), **given)
    assert [problem.field for problem in caught.value.problems] == [field]
    assert events(connection) == []


def test_without_rules_the_policy_judges_later(connection: psycopg.Connection) -> None:
    grant_override(connection, act("alice"), uuid4(), reason=REASON, until=hour(99))
    assert not is_valid(load_locks(connection)[1][0], RULES, hour(0))


@pytest.mark.parametrize("change", [release_lock, approve_override, revoke_override])
@pytest.mark.parametrize("name", ["", "nonsense", str(UUID(int=7))])
def test_what_is_not_there(
    connection: psycopg.Connection, change: Callable[..., Any], name: str
) -> None:
    with pytest.raises(InputError, match="there is no"):
        change(connection, act("alice"), name)


def test_two_who_approve_at_once_both_count(where: Target, connection: psycopg.Connection) -> None:
    made = grant_override(connection, act("alice"), uuid4(), reason=REASON, until=hour(1))

    def approve(name: str) -> None:
        with connect(where) as mine:
            writer = Writer("dashboard", f"d-{name}")
            approve_override(mine, Act(by=name, now=hour(0.1), writer=writer), str(made.id))

    threads = [threading.Thread(target=approve, args=(name,)) for name in ("bob", "carol", "dave")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (override,) = load_locks(connection)[1]
    assert {approval.by for approval in override.approvals} == {"bob", "carol", "dave"}


def test_servers_hear_of_an_act_when_it_is_committed(
    where: Target, connection: psycopg.Connection
) -> None:
    with connect(where) as listener:
        listener.execute(f"LISTEN {where.schema}_changed".encode())
        set_lock(connection, act("alice"), uuid4(), reason="storm")
        heard = next(listener.notifies(timeout=5, stop_after=1))
    assert heard.payload == "lock"


def test_an_act_without_its_ledger_row_is_none(connection: psycopg.Connection) -> None:
    connection.execute("ALTER TABLE ledger_head RENAME TO hidden")
    with pytest.raises(psycopg.Error):
        set_lock(connection, act("alice"), uuid4(), reason="storm")
    assert load_locks(connection) == ((), ())


def test_policies_are_stored_once_and_one_is_active(connection: psycopg.Connection) -> None:
    assert active_policy(connection) is None
    first = store_policy(connection, act("alice"), b"version: 1\n")
    assert first.sha256 == hashlib.sha256(b"version: 1\n").hexdigest()
    assert store_policy(connection, act("bob"), b"version: 1\n") == first
    second = store_policy(connection, act("bob"), b"version: 1\nmode: warn\n")
    activate_policy(connection, act("carol", 1), first.version)
    activate_policy(connection, act("dave", 2), second.version)
    activate_policy(connection, act("erin", 3), second.version)
    active = active_policy(connection)
    assert active is not None
    assert (active.version, active.activated_by, active.activated_at) == (
        second.version,
        "dave",
        hour(2),
    )
    assert [each.active for each in policies(connection)] == [True, False]
    assert details(connection) == {"version": second.version, "before": first.sha256}
    assert [row[1:] for row in events(connection)] == [
        ("store", "alice", first.sha256),
        ("store", "bob", second.sha256),
        ("activate", "carol", first.sha256),
        ("activate", "dave", second.sha256),
    ]
    with pytest.raises(InputError, match="no policy version 99"):
        activate_policy(connection, act("alice"), 99)
    with pytest.raises(InputError, match="1 MiB"):
        store_policy(connection, act("alice"), bytes((1 << 20) + 1))


def wedding(name: str, **changes: Any) -> tuple[object, ...]:
    fields: dict[str, Any] = {
        "id": name,
        "date": date(2026, 6, 13),
        "timezone": "Europe/London",
        "days": None,
        "culture": "british",
        "guests": 10**12,
        "venue": None,
        "setting": "outdoor",
        "country": "GB",
        "latitude": 51.5,
        "longitude": None,
        "status": "confirmed",
        "booked_at": None,
    }
    return tuple((fields | changes).values())


def test_a_calendar_is_imported_whole(connection: psycopg.Connection) -> None:
    given = [
        wedding("b"),
        wedding("a" * 5000, days=3, status="cancelled"),
        wedding("ü", status="tentative"),
    ]
    seen: list[int] = []
    made = import_weddings(connection, act("alice"), given, "ab" * 32, progress=seen.append)
    assert (made.weddings, made.cancelled, made.sha256) == (3, 1, "ab" * 32)
    assert newest_import(connection) == made
    stored = list(read_weddings(connection, made.version))
    assert [each.id for each in stored] == ["b", "a" * 5000, "ü"]
    assert tuple(getattr(stored[1], n) for n in stored[1].__struct_fields__) == given[1]
    assert seen == [3]
    assert events(connection) == [("calendar", "import", "alice", "ab" * 32)]


@pytest.mark.parametrize(
    "bad",
    [
        wedding("b", status="perhaps"),
        wedding("b", guests=0),
        wedding("a"),
        wedding("b", days=32),
        wedding("b", latitude=91.0),
    ],
)
def test_a_calendar_with_a_bad_row_is_not_imported(
    connection: psycopg.Connection, bad: tuple[object, ...]
) -> None:
    good = import_weddings(connection, act("alice"), [wedding("x")], "ab" * 32)
    with pytest.raises(psycopg.IntegrityError):
        import_weddings(connection, act("alice"), [wedding("a"), bad], "cd" * 32)
    assert newest_import(connection) == good
    assert len(events(connection)) == 1


def test_a_reader_that_gives_up_leaves_nothing(connection: psycopg.Connection) -> None:
    def rows() -> Iterator[tuple[object, ...]]:
        yield wedding("a")
        raise InputError.of("row 2 is bad")

    with pytest.raises(InputError, match="row 2 is bad"):
        import_weddings(connection, act("alice"), rows(), "ab" * 32)
    assert newest_import(connection) is None
    assert verify(connection).rows == 0


def test_an_empty_calendar_is_a_calendar(connection: psycopg.Connection) -> None:
    made = import_weddings(connection, act("alice"), [], "ab" * 32)
    assert (made.weddings, list(read_weddings(connection, made.version))) == (0, [])


def test_old_imports_can_be_forgotten(connection: psycopg.Connection) -> None:
    made = [
        import_weddings(connection, act("alice"), [wedding("a")], f"{n}" * 64) for n in range(4)
    ]
    assert forget_imports(connection, keep=2) == 2
    assert [each.version for each in imports(connection)] == [made[3].version, made[2].version]
    assert list(read_weddings(connection, made[0].version)) == []
    assert len(events(connection)) == 4
