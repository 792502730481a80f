"""Manual floors in the database: their life, who may repeat what, what the pre-scaler sees."""

import threading
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from msgspec.structs import replace

from gate.cluster.scaling.values import Hold
from gate.core.problems import InputError
from gate.ledger.acts.floors import (
    MOST_ON_A_TARGET,
    Floor,
    floors,
    open_floors,
    release_floors,
    set_floor,
)
from gate.ledger.acts.holds import floor_applied, floor_restored, open_holds
from gate.ledger.verify import verify
from gate.store.connect import Target, connect
from gate.store.queries import query
from tests.hands.build import NOON, act, asked, details, events, floor, hour


def stored(connection: psycopg.Connection) -> Floor:
    (found,) = floors(connection)
    return found


def test_a_floor_is_kept_with_who_and_why_and_stands_until_its_end(
    connection: psycopg.Connection,
) -> None:
    made = floor(connection, "ann", max=80)
    assert (made.target, made.by_actor) == ("shop/checkout", "ann")
    assert (made.to_min, made.to_max) == (60, 80)
    assert (made.kind, made.applied_at, made.status(NOON)) == (None, None, "waiting")
    assert made.status(hour(2)) == "expired"
    (standing,) = open_holds(connection, hour(1.99)).standing
    hold = standing.hold
    assert (hold.id, hold.cause, hold.min, hold.max) == (str(made.id), "manual", 60, 80)
    assert standing.concerns("shop", "checkout")
    assert not standing.concerns("shop", "photos")
    assert open_holds(connection, hour(2)).standing == ()
    assert events(connection) == [("scaling", "set", "ann", made.id)]
    assert details(connection) == {
        "target": "shop/checkout",
        "min": 60,
        "max": 80,
        "until": "2026-06-13T14:00:00Z",
        "reason": "a flash sale",
    }
    assert verify(connection).ok


def test_everything_wrong_is_said_at_once(connection: psycopg.Connection) -> None:
    bad = asked(target="checkout", min=10, max=5, until=NOON, reason=" ")
    with pytest.raises(InputError) as caught:
        set_floor(connection, act(""), uuid4(), bad)
    fields = [problem.field for problem in caught.value.problems]
    assert fields == ["target", "by", "reason", "max", "until"]
    assert floors(connection) == []
    assert events(connection) == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"min": 0}, "min"),
        ({"min": 2**31}, "min"),
        ({"max": 2**31}, "max"),
        ({"max": 59}, "max"),
        ({"until": hour(-1)}, "until"),
        ({"target": "shop/"}, "target"),
        ({"target": "/checkout"}, "target"),
        ({"target": "shop/a/b"}, "target"),
        ({"target": "Shop/checkout"}, "target"),
        ({"target": "sho.p/checkout"}, "target"),
        ({"target": "shop/" + "a" * 254}, "target"),
        ({"reason": "a\x00b"}, None),
    ],
)
def test_what_no_cluster_could_hold_is_refused(
    connection: psycopg.Connection, changes: dict[str, Any], field: str | None
) -> None:
    with pytest.raises(InputError) as caught:
        set_floor(connection, act(), uuid4(), asked(**changes))
    assert [problem.field for problem in caught.value.problems] == [field]


def test_the_same_again_is_the_one_that_stands(connection: psycopg.Connection) -> None:
    first = floor(connection)
    again, new = set_floor(connection, act(hours=0.5), uuid4(), asked())
    assert (again.id, new) == (first.id, False)
    applied(connection, first)
    again, new = set_floor(connection, act(hours=0.5), uuid4(), asked())
    assert (again.id, new) == (first.id, False)
    assert len(events(connection)) == 1
    others = [floor(connection, "bob"), floor(connection, min=61), floor(connection, reason="more")]
    assert len({first.id, *(other.id for other in others)}) == 4
    # Once it has ended, the same words ask for another one.
    assert floor(connection, hours=3, until=hour(5)).status(hour(3)) == "waiting"


def test_floors_of_several_people_stand_side_by_side_and_end_together(
    connection: psycopg.Connection,
) -> None:
    made = [floor(connection), floor(connection, "bob", min=40, until=hour(8))]
    other = floor(connection, target="shop/photos")
    assert [each.id for each in open_floors(connection, NOON, target="shop/checkout")] == [
        each.id for each in sorted(made, key=lambda each: each.id)
    ]
    ended = release_floors(connection, act("eve", 1), "shop/checkout", reason="it is over")
    assert {each.id for each in ended} == {each.id for each in made}
    assert {(each.released_by, each.release_reason) for each in ended} == {("eve", "it is over")}
    assert [each.status(hour(1)) for each in ended] == ["released", "released"]
    holds = open_holds(connection, hour(1))
    assert [each.hold.id for each in holds.standing] == [str(other.id)]
    assert holds.ended == {str(each.id) for each in made}
    # Beyond its own end, and some more for clocks that are behind, nobody needs to be told.
    assert open_holds(connection, hour(3.1)).ended == {str(made[1].id)}
    assert release_floors(connection, act("eve", 1), "shop/checkout") == []
    assert [event[:3] for event in events(connection)[3:]] == [("scaling", "release", "eve")] * 2


def test_the_annotation_of_a_target_stays_small(connection: psycopg.Connection) -> None:
    for number in range(MOST_ON_A_TARGET):
        floor(connection, min=60 + number)
    with pytest.raises(InputError, match="20 manual floors already"):
        floor(connection, min=99)
    floor(connection, target="shop/photos")


def applied(connection: psycopg.Connection, made: Floor, hours: float = 0.1, top: int = 60) -> None:
    floor_applied(
        connection,
        hour(hours),
        str(made.id),
        kind="HorizontalPodAutoscaler",
        before=(2, 20),
        maximum=top,
    )


def test_what_a_run_did_is_noted_once(connection: psycopg.Connection) -> None:
    made = floor(connection)
    floor_restored(connection, hour(0.05), str(made.id))
    assert stored(connection) == made
    applied(connection, made)
    applied(connection, made, 0.2, top=99)
    noted = stored(connection)
    assert (noted.kind, noted.from_min, noted.from_max) == ("HorizontalPodAutoscaler", 2, 20)
    assert (noted.to_min, noted.to_max, noted.applied_at) == (60, 60, hour(0.1))
    assert noted.status(hour(1)) == "applied"
    floor_restored(connection, hour(1), str(made.id))
    assert stored(connection).restored_at is None, "it still stands"
    release_floors(connection, act(hours=1), made.target)
    floor_restored(connection, hour(1.1), str(made.id))
    floor_restored(connection, hour(1.2), str(made.id))
    assert stored(connection).restored_at == hour(1.1)


def test_one_that_ran_out_is_restored_too(connection: psycopg.Connection) -> None:
    made = floor(connection)
    applied(connection, made)
    floor_restored(connection, hour(2), str(made.id))
    assert stored(connection).restored_at == hour(2)


def test_an_id_of_another_database_is_passed_over(connection: psycopg.Connection) -> None:
    for unknown in (str(UUID(int=7)),):
        floor_restored(connection, NOON, unknown)
        floor_applied(connection, NOON, unknown, kind="ScaledObject", before=(1, 2), maximum=9)
    assert floors(connection) == []


def test_one_command_run_eight_times_at_once_sets_one_floor(
    connection: psycopg.Connection, where: Target
) -> None:
    barrier, made = threading.Barrier(8), []

    def ask() -> None:
        with connect(where) as own:
            barrier.wait(30)
            made.append(set_floor(own, act(), uuid4(), asked()))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len({one.id for one, _ in made}) == 1
    assert sorted(new for _, new in made) == [False] * 7 + [True]
    assert len(events(connection)) == 1


def test_the_databases_word_on_a_hold_wins(connection: psycopg.Connection) -> None:
    made, gone = floor(connection), floor(connection, target="shop/photos")
    release_floors(connection, act(), "shop/photos")
    old = Hold(id=str(made.id), cause="manual", min=55, until=hour(1), by="ann", reason="old")
    released = replace(old, id=str(gone.id))
    unknown, over = replace(old, id="set-while-away"), replace(old, id="over", until=NOON)
    holds = open_holds(connection, NOON)
    on = holds.on("shop", "checkout", (old, released, unknown, over), NOON)
    assert on == (holds.standing[0].hold, unknown)
    assert holds.on("shop", "photos", (released,), NOON) == ()


def test_open_floors_are_found_by_an_index(connection: psycopg.Connection) -> None:
    """Among the floor changes of a year, which are the plan's."""
    connection.execute(
        "INSERT INTO infrastructure_scaling_events (id, namespace, name, kind, cause, reason,"
        " to_min, to_max, planned_at, applied_at)"
        " SELECT gen_random_uuid(), 'shop', 'n' || n %% 350, 'ScaledObject', 'plan', 'x', 1, 2,"
        " %(at)s::timestamptz - n * interval '1 minute',"
        " %(at)s FROM generate_series(1, 20000) n",
        {"at": NOON},
    )
    floor(connection)
    connection.execute("ANALYZE infrastructure_scaling_events")
    parameters = {"at": NOON, "namespace": None, "name": None}
    plan = connection.execute(b"EXPLAIN " + query("hands", "open_floors"), parameters).fetchall()
    assert any("infrastructure_scaling_events_held" in line for (line,) in plan), plan
