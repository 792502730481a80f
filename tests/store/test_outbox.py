"""Writes wait for a database that is away, are bounded, and are written once when it is back."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from gate.service.failures import Failure, Failures
from gate.service.outbox import Outbox, Write
from gate.store.connect import Target, connect
from tests.controlplane.processes import free_port, wait_for
from tests.postgres import fresh_schema

AT = datetime(2026, 6, 6, 12, tzinfo=UTC)


@pytest.fixture
def where() -> Iterator[Target]:
    with fresh_schema() as target:
        yield target


@contextmanager
def running(outbox: Outbox) -> Iterator[Outbox]:
    stop = threading.Event()
    thread = threading.Thread(target=outbox.run, args=[stop])
    thread.start()
    try:
        yield outbox
    finally:
        stop.set()
        thread.join(timeout=20)
        assert not thread.is_alive()


def opened(number: int, **other: Any) -> Write:
    values = {
        "id": f"01890000-0000-7000-8000-{number:012d}",
        "component": f"test/{number}",
        "severity": "warning",
        "summary": "it is not well",
        "detail": "",
        "at": AT,
    }
    return Write("failures", "open_failure", {**values, **other})


def rows(where: Target, what: str = "component") -> list[Any]:
    with connect(where) as connection:
        found = connection.execute(
            f"SELECT {what} FROM infrastructure_failures ORDER BY id".encode()
        ).fetchall()
    return [row[0] if len(row) == 1 else row for row in found]


def elsewhere(where: Target) -> Target:
    """A database that does not answer."""
    dsn = f"host=127.0.0.1 port={free_port()} dbname=postgres user=postgres"
    return msgspec.structs.replace(where, dsn=dsn, connect_timeout_seconds=2)


def test_what_is_put_is_written_in_order(where: Target) -> None:
    with running(Outbox(where)) as outbox:
        outbox.put(*map(opened, range(1200)))
        assert outbox.settle(20.0)
        assert len(rows(where)) == 1200


def test_the_end_writes_what_still_waits(where: Target) -> None:
    with running(Outbox(where)) as outbox:
        outbox.put(*map(opened, range(30)))
    assert len(rows(where)) == 30


def test_nobody_waits_for_a_database_that_is_away_and_nothing_is_lost(where: Target) -> None:
    outbox = Outbox(elsewhere(where))
    with running(outbox):
        outbox.put(opened(1))
        wait_for("the loss is noticed", lambda: outbox.lost)
        outbox.put(opened(2))
        assert not outbox.settle(60.0)
        assert outbox.waiting == 2
        outbox.where = where
        wait_for("the database is used again", lambda: outbox.lost is None, seconds=20.0)
        assert outbox.settle(20.0)
    assert rows(where) == ["test/1", "test/2"]


def test_only_the_newest_wait(where: Target, capfd: pytest.CaptureFixture[str]) -> None:
    outbox = Outbox(where, most=3)
    outbox.put(*map(opened, range(5)))
    with running(outbox):
        assert outbox.settle(20.0)
    assert rows(where) == ["test/2", "test/3", "test/4"]
    assert '"dropped": 2' in capfd.readouterr().err


def test_a_write_that_is_refused_does_not_hold_up_the_others(
    where: Target, capfd: pytest.CaptureFixture[str]
) -> None:
    with running(Outbox(where)) as outbox:
        outbox.put(opened(1), opened(2, severity="dreadful"), opened(3))
        assert outbox.settle(20.0)
    assert rows(where) == ["test/1", "test/3"]
    assert "record-refused" in capfd.readouterr().err


def test_without_a_database_writes_are_forgotten() -> None:
    outbox = Outbox(None)
    outbox.put(opened(1))
    assert outbox.settle(60.0)
    assert outbox.waiting == 0


def test_a_failure_is_opened_once_and_resolved(where: Target) -> None:
    with running(Outbox(where)) as outbox:
        failures = Failures(outbox, by="tester", prefix="test", clock=lambda: AT)
        assert failures.tell(_failure("one"))
        assert not failures.tell(_failure("one"))
        assert not failures.tell(_failure("two"))
        again = Failures(outbox, by="tester", prefix="test", clock=lambda: AT)
        again.tell(_failure("three"))
        assert outbox.settle(20.0)
        assert rows(where, "detail") == ["three"]
        assert again.well("test/a", "mended")
        assert not again.well("test/a")
        assert outbox.settle(20.0)
        assert rows(where, "resolved_by, remedy") == [("tester", "mended")]
        again.tell(_failure("four"))
        assert outbox.settle(20.0)
    assert len(rows(where)) == 2


def test_what_an_earlier_process_left_open_is_resolved(where: Target) -> None:
    with running(Outbox(where)) as outbox:
        earlier = Failures(outbox, by="tester", prefix="test", clock=lambda: AT)
        for name in ("a", "b", "c"):
            earlier.tell(Failure(component=f"test/{name}", severity="warning", summary="bad"))
        Failures(outbox, by="tester", prefix="other").tell(
            Failure(component="other/a", severity="info", summary="bad")
        )
        later = Failures(outbox, by="tester", prefix="test", clock=lambda: AT)
        later.tell(_failure("still", "test/b"))
        later.only(["test/c"], "seen well")
        assert outbox.settle(20.0)
        open_now = rows(where, "component, resolved_at IS NULL")
    assert {name for name, is_open in open_now if is_open} == {"test/b", "test/c", "other/a"}


def _failure(detail: str, component: str = "test/a") -> Failure:
    return Failure(component=component, severity="critical", summary="not well", detail=detail)
