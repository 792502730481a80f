"""`kill -9` of who records, of who ships and of PostgreSQL: what was answered is there once."""

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from gate.journal.shipper import Shipper
from gate.store import embedded
from gate.store.connect import EMBEDDED, Target, connect
from tests.journal.support import ROOT, ids_in, rows_of

ROUNDS = 20


@contextmanager
def recorder(folder: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A process that records; killed at the end of the block."""
    command = [sys.executable, "-m", "tests.journal.recorder", str(folder)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


def answered_before_death(folder: Path, lines: int) -> list[str]:
    """Kill a recorder after so many lines; every id that it printed until it was dead."""
    with recorder(folder) as process:
        assert process.stdout is not None
        first = [process.stdout.readline() for _ in range(lines)]
        process.kill()
        rest = process.stdout.read().splitlines(keepends=True)
    return [line.decode().strip() for line in first + rest if line.endswith(b"\n")]


@contextmanager
def in_thread(shipper: Shipper) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=shipper.run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(60)
        assert not thread.is_alive()


def check(answered: list[str], rows: list[str], folder: Path) -> None:
    assert len(answered) == len(set(answered)) > 0
    assert len(rows) == len(set(rows))
    assert set(answered) <= set(rows)
    assert [path for path in folder.iterdir() if path.suffix == ".seg"] == []
    assert not (folder / "damaged").exists()
    assert not (folder / "refused").exists()


def test_a_recorder_killed_at_random_moments(
    folder: Path, where: Target, connection: psycopg.Connection
) -> None:
    folder.mkdir()
    chance = random.Random()
    answered: list[str] = []
    with in_thread(Shipper(folder, where)):
        for _ in range(ROUNDS):
            answered += answered_before_death(folder, chance.randint(1, 400))
    check(answered, rows_of(connection), folder)


def test_a_shipper_killed_at_random_moments(
    folder: Path, where: Target, connection: psycopg.Connection
) -> None:
    chance = random.Random()
    program = (
        "import sys, threading, logging; from pathlib import Path;"
        "from gate.store.connect import Target; from gate.journal.shipper import Shipper;"
        "where = Target(dsn=sys.argv[2], schema=sys.argv[3], embedded_folder=Path());"
        "print(1, flush=True); Shipper(Path(sys.argv[1]), where).run(threading.Event())"
    )
    command = [sys.executable, "-c", program, str(folder), where.dsn, where.schema]
    with recorder(folder) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline()]
        for _ in range(6):
            with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as shipper:
                assert shipper.stdout is not None
                assert shipper.stdout.readline() == b"1\n"
                lines += [process.stdout.readline() for _ in range(chance.randint(1, 500))]
                shipper.kill()
        process.kill()
        lines += process.stdout.read().splitlines(keepends=True)
    answered = [line.decode().strip() for line in lines if line.endswith(b"\n")]
    last = Shipper(folder, where)
    last.ship_once()
    last.close()
    check(answered, rows_of(connection), folder)


@pytest.fixture
def own_server() -> Iterator[Target]:
    """A PostgreSQL of its own, to be killed."""
    above = Path(tempfile.mkdtemp(prefix="gate-journal-"))
    base = above / "postgres"
    embedded.ensure(base)
    yield Target(dsn=EMBEDDED, schema="gate", embedded_folder=base)
    embedded.stop(base, immediate=True)
    shutil.rmtree(above)


def test_postgresql_killed_while_records_are_shipped(folder: Path, own_server: Target) -> None:
    chance = random.Random()
    folder.mkdir()
    shipper = Shipper(folder, own_server, jitter=lambda: 0.0)
    connect(own_server).close()
    with in_thread(shipper), recorder(folder) as process:
        assert process.stdout is not None
        lines = []
        for _ in range(3):
            lines += [process.stdout.readline() for _ in range(chance.randint(100, 1500))]
            server = embedded.ensure(own_server.embedded_folder)
            os.kill(server.pid, signal.SIGKILL)
        lines += [process.stdout.readline() for _ in range(100)]
        process.kill()
        lines += process.stdout.read().splitlines(keepends=True)
    answered = [line.decode().strip() for line in lines if line.endswith(b"\n")]
    last = Shipper(folder, own_server)
    last.ship_once()
    last.close()
    with connect(own_server) as connection:
        check(answered, rows_of(connection), folder)


def test_all_killed_at_once(folder: Path, own_server: Target) -> None:
    connect(own_server).close()
    with recorder(folder) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(300)]
        shipper = Shipper(folder, own_server)
        shipper.step()
        os.kill(embedded.ensure(own_server.embedded_folder).pid, signal.SIGKILL)
        shipper.close()
        process.kill()
        lines += process.stdout.read().splitlines(keepends=True)
    answered = [line.decode().strip() for line in lines if line.endswith(b"\n")]
    assert set(answered) <= set(ids_in(folder)) | _rows(own_server)
    last = Shipper(folder, own_server)
    last.ship_once()
    last.close()
    with connect(own_server) as connection:
        check(answered, rows_of(connection), folder)


def _rows(where: Target) -> set[str]:
    with connect(where) as connection:
        return set(rows_of(connection))
