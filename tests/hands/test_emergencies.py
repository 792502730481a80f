"""The emergency in the database: begun whole, once, and ended with all that it began."""

import threading
from typing import Any

import psycopg
import pytest

from gate.cluster.scaling.values import Hold
from gate.core.problems import InputError
from gate.ledger.acts.emergencies import (
    DEFAULT_LENGTH,
    active_emergency,
    deactivate_emergency,
    lock_of,
)
from gate.ledger.acts.entries import entries
from gate.ledger.acts.holds import open_holds
from gate.ledger.acts.locks import release_lock
from gate.ledger.verify import verify
from gate.store.connect import Target, connect
from tests.hands.build import NOON, act, emergency, events, hour


def rows(connection: psycopg.Connection, columns: str, table: str) -> list[tuple[Any, ...]]:
    return connection.execute(f"SELECT {columns} FROM {table} ORDER BY 1".encode()).fetchall()


def test_it_begins_with_its_lock_its_ledger_rows_and_its_notices(
    connection: psycopg.Connection,
) -> None:
    begun, change = emergency(connection)
    assert (change, begun.until) == ("activated", NOON + DEFAULT_LENGTH)
    lock = lock_of(connection, begun).as_lock()
    assert (lock.start, lock.end, lock.by) == (NOON, begun.until, "ann")
    assert (lock.scope.environments, lock.scope.services) == (None, None)
    assert lock.actions == (), "of every action"
    assert "the photo service is drowning" in lock.reason
    assert [event[:3] for event in events(connection)] == [
        ("lock", "set", "ann"),
        ("emergency", "activate", "ann"),
    ]
    assert rows(
        connection, "id, severity, raised_at, escalate_at > raised_at", "emergency_notifications"
    ) == [(begun.id, "critical", NOON, True)]
    assert rows(connection, "dedup_key, severity, due_at", "infrastructure_notifications") == [
        (f"emergency/{begun.id}/activate", "critical", NOON)
    ]
    (standing,) = open_holds(connection, NOON).standing
    assert standing.concerns("any", "target")
    assert standing.hold == Hold(
        id=str(begun.id),
        cause="emergency",
        min=100,
        until=begun.until,
        by="ann",
        reason="the photo service is drowning",
    )
    assert verify(connection).ok


def test_activating_an_active_one_changes_nothing(connection: psycopg.Connection) -> None:
    first, _ = emergency(connection, until=hour(3))
    before = events(connection)
    for until in (None, hour(3)):
        assert emergency(connection, "bob", 1, reason="me too", until=until) == (first, "unchanged")
    assert events(connection) == before
    assert len(entries(connection, "lock")) == 1
    assert len(rows(connection, "id", "emergency_notifications")) == 1


def test_a_later_end_extends_it_and_its_lock(connection: psycopg.Connection) -> None:
    first, _ = emergency(connection)
    longer, change = emergency(connection, "bob", 1, until=hour(9))
    assert (change, longer.id, longer.until, longer.by_actor) == (
        "extended",
        first.id,
        hour(9),
        "ann",
    )
    assert lock_of(connection, longer).ends_at == hour(9)
    assert [event[:3] for event in events(connection)[2:]] == [
        ("lock", "extend", "bob"),
        ("emergency", "extend", "bob"),
    ]
    assert len(rows(connection, "id", "infrastructure_notifications")) == 2
    with pytest.raises(InputError, match="until 2026-06-13T21:00:00Z already"):
        emergency(connection, hours=2, until=hour(8))


def test_it_ends_with_its_lock_and_leaves_others_alone(connection: psycopg.Connection) -> None:
    begun, _ = emergency(connection)
    ended = deactivate_emergency(connection, act("bob", 1), reason="mended")
    assert ended is not None
    assert (ended.id, ended.ended_at, ended.ended_by, ended.end_reason) == (
        begun.id,
        hour(1),
        "bob",
        "mended",
    )
    assert active_emergency(connection, hour(1)) is None
    assert entries(connection, "lock", in_force_at=hour(1)) == []
    holds = open_holds(connection, hour(1))
    assert holds.standing == ()
    assert holds.ended == {str(begun.id)}
    assert rows(connection, "acknowledged_by", "emergency_notifications") == [("bob",)]
    assert [event[:3] for event in events(connection)[2:]] == [
        ("lock", "release", "bob"),
        ("emergency", "deactivate", "bob"),
    ]
    assert deactivate_emergency(connection, act("bob", 1)) is None
    assert len(events(connection)) == 4
    second, change = emergency(connection, hours=2)
    assert (change, second.id != begun.id) == ("activated", True)


def test_a_lock_that_somebody_released_is_left_as_it_is(connection: psycopg.Connection) -> None:
    begun, _ = emergency(connection)
    release_lock(connection, act("bob", 0.5), str(begun.lock_id))
    longer, _ = emergency(connection, hours=1, until=hour(9))
    assert lock_of(connection, longer).closed_by == "bob"
    ended = deactivate_emergency(connection, act("eve", 2))
    assert ended is not None
    assert lock_of(connection, ended).closed_by == "bob"


def test_it_runs_out_by_itself_and_another_may_begin(connection: psycopg.Connection) -> None:
    first, _ = emergency(connection, until=hour(1))
    assert active_emergency(connection, hour(1)) is None
    assert open_holds(connection, hour(1)).standing == ()
    assert deactivate_emergency(connection, act(hours=1)) is None
    second, change = emergency(connection, hours=1)
    assert (change, second.id != first.id) == ("activated", True)
    assert rows(connection, "activated_at, ended_at, ended_by", "emergencies") == [
        (NOON, hour(1), None),
        (hour(1), None, None),
    ]


@pytest.mark.parametrize(
    ("by", "reason", "until", "fields"),
    [("", " ", NOON, ["by", "reason", "until"]), ("ann", "a\x00b", None, [None])],
)
def test_all_that_is_wrong_is_said_and_nothing_begins(
    connection: psycopg.Connection, by: str, reason: str, until: Any, fields: list[str | None]
) -> None:
    with pytest.raises(InputError) as caught:
        emergency(connection, by, reason=reason, until=until)
    assert [problem.field for problem in caught.value.problems] == fields
    assert events(connection) == []


def test_eight_people_at_once_begin_one(connection: psycopg.Connection, where: Target) -> None:
    barrier, made = threading.Barrier(8), []

    def begin(by: str) -> None:
        with connect(where) as own:
            barrier.wait(30)
            made.append(emergency(own, by))

    threads = [threading.Thread(target=begin, args=(f"p{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len({one.id for one, _ in made}) == 1
    assert sorted(change for _, change in made) == ["activated"] + ["unchanged"] * 7
    assert len(entries(connection, "lock")) == 1
    assert len(events(connection)) == 2
