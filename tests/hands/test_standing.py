"""What the pre-scaler hears of holds, and how soon."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from msgspec.structs import replace

from gate.cluster.scaling.values import Hold, Range, Target
from gate.ledger.acts.emergencies import deactivate_emergency
from gate.ledger.acts.floors import release_floors
from gate.service.scaling.standing import Pace, StandingHolds
from gate.store import connect as store
from tests.hands.build import NOON, act, emergency, floor, hour

TARGET = Target(
    namespace="shop",
    name="checkout",
    kind="HorizontalPodAutoscaler",
    uid="u",
    resource_version="1",
    now=Range(2, 20),
)
SLOW_POLL = Pace(poll=60, look=0.05)


@contextmanager
def following(where: store.Target, heard: threading.Event) -> Iterator[StandingHolds]:
    holds = StandingHolds(where, changed=heard.set, clock=lambda: NOON, pace=SLOW_POLL)
    stop = threading.Event()
    thread = threading.Thread(target=holds.run, args=[stop])
    thread.start()
    try:
        yield holds
    finally:
        stop.set()
        thread.join(10)


def test_a_hold_is_heard_of_at_once_and_so_is_its_end(
    connection: psycopg.Connection, where: store.Target
) -> None:
    heard = threading.Event()
    with following(where, heard) as holds:
        assert heard.wait(10), "what stands at first"
        assert holds(TARGET) == ()
        heard.clear()
        began = time.monotonic()
        made = floor(connection)
        assert heard.wait(10)
        assert time.monotonic() - began < 5, "not by the poll"
        assert [hold.id for hold in holds(TARGET) or ()] == [str(made.id)]
        assert holds(replace(TARGET, name="photos")) == ()
        heard.clear()
        release_floors(connection, act(), "shop/checkout")
        assert heard.wait(10)
        assert holds(TARGET) == ()


def test_an_emergency_is_on_every_target(
    connection: psycopg.Connection, where: store.Target
) -> None:
    begun, _ = emergency(connection)
    holds = StandingHolds(where, clock=lambda: NOON).read()
    (hold,) = holds(TARGET) or ()
    assert (hold.id, hold.min) == (str(begun.id), 100)
    deactivate_emergency(connection, act())
    assert holds.read()(replace(TARGET, holds=(hold,))) == ()


def test_while_the_database_is_away_the_target_s_word_holds(where: store.Target) -> None:
    away = replace(where, dsn="host=/nonexistent user=gate dbname=gate")
    holds = StandingHolds(away, clock=lambda: NOON).read()
    assert holds(TARGET) is None
    own = Hold(id="own", cause="manual", min=9, until=hour(1), by="ann", reason="x")
    over = replace(own, id="over", until=NOON)
    assert holds(replace(TARGET, holds=(own, over))) == (own,)
    assert "not available" in (holds.trouble or "")


def test_what_was_read_last_holds_while_the_database_is_away(
    connection: psycopg.Connection, where: store.Target
) -> None:
    floor(connection)
    holds = StandingHolds(where, clock=lambda: NOON).read()
    connection.execute("ALTER TABLE emergencies RENAME TO gone")
    assert holds.read().trouble is not None
    unknown = Hold(id="away", cause="manual", min=9, until=NOON, by="ann", reason="x")
    assert len(holds(replace(TARGET, holds=(unknown,))) or ()) == 1
