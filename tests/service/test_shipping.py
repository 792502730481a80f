"""The journal's state as the feed tells it."""

import asyncio
import threading
from pathlib import Path

import psycopg
import pytest

from gate.service.feed import Shipping
from gate.service.keeper.shipping import Shipments
from gate.store.connect import Target
from tests.service.journaling import journaled, rows
from tests.service.proxy import proxied
from tests.service.until import until

pytestmark = pytest.mark.store


def test_what_waits_and_what_was_shipped_is_told(
    where: Target, connection: psycopg.Connection, tmp_path: Path
) -> None:
    told: list[Shipping] = []
    asyncio.run(journaled(tmp_path, 50))
    shipments = Shipments(str(tmp_path), where, told.append, on_stuck=pytest.fail)
    stop = threading.Event()
    thread = threading.Thread(target=shipments.run, args=[stop])
    thread.start()
    until(lambda: told and told[-1].shipped_total == 50)
    stop.set()
    thread.join()
    assert rows(connection) == 50
    assert told[-1] == Shipping(shipped_total=50)
    assert shipments.left == 0
    assert len(told) == len(set(map(repr, told)))


def test_shipping_that_waits_for_ever_is_noticed(
    where: Target, connection: psycopg.Connection, tmp_path: Path
) -> None:
    stuck, stop = threading.Event(), threading.Event()
    told: list[Shipping] = []
    with proxied(where) as (proxy, through):
        shipments = Shipments(
            str(tmp_path), through, told.append, on_stuck=stuck.set, stuck_seconds=1.5
        )
        thread = threading.Thread(target=shipments.run, args=[stop])
        thread.start()
        asyncio.run(journaled(tmp_path, 1))
        until(lambda: told and told[-1].shipped_total == 1)
        assert not stuck.is_set()
        proxy.silent = True
        asyncio.run(journaled(tmp_path, 1))
        until(stuck.is_set)
        stop.set()
    thread.join()
