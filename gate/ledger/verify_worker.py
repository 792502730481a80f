"""Processes that look at chunks of the ledger side by side.

A worker is a fresh interpreter that is spoken to in lines of JSON: first its session, then spans,
each answered by a `Chunk`. (The pools of the standard library would import the caller's main module
again, which a program that calls the verifier may not be made for.)
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice

import msgspec
import psycopg
from psycopg import conninfo, sql

from gate.ledger.verify_chunk import Chunk, verify_chunk
from gate.store.errors import StoreUnavailable
from gate.store.queries import query

Span = tuple[int, int, int]
"""First row, end, and how many of them belong into the tree."""

_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]);"
    " from gate.ledger.verify_worker import main; main()"
)
# One that is looked at and one that waits, so that a worker is never idle.
_AHEAD = 2
_decode = msgspec.json.Decoder(Chunk).decode


class _Session(msgspec.Struct, frozen=True):
    """What a worker connects with, and the snapshot that all of them see."""

    conninfo: str
    search_path: str
    snapshot: str


@contextmanager
def worker_chunks(
    connection: psycopg.Connection, spans: Iterable[Span], workers: int
) -> Iterator[Iterator[Chunk]]:
    """The chunks of `spans` in their order, looked at by `workers` processes.

    `connection` is in a repeatable read transaction, whose snapshot they share. The iterator raises
    `StoreUnavailable` where a worker breaks off.
    """
    session = msgspec.json.encode(_session(connection)) + b"\n"
    processes = [_start(session) for _ in range(workers)]
    try:
        yield _results(processes, iter(spans))
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def _session(connection: psycopg.Connection) -> _Session:
    info = connection.info
    parameters = {**info.get_parameters(), "password": info.password}
    # A folder that is named by our descriptor is another process's by our number.
    host = parameters.get("host", "").replace("/proc/self/", f"/proc/{os.getpid()}/")
    snapshot = connection.execute(query("ledger", "export_snapshot")).fetchone()
    search_path = connection.execute(query("ledger", "search_path")).fetchone()
    assert snapshot is not None
    assert search_path is not None
    return _Session(
        conninfo.make_conninfo(**(parameters | {"host": host})), search_path[0], snapshot[0]
    )


def _start(session: bytes) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(  # noqa: S603 - this interpreter
        [sys.executable, "-c", _START, json.dumps(sys.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    _say(process, session)
    return process


def _say(process: subprocess.Popen[bytes], line: bytes) -> None:
    assert process.stdin is not None
    try:
        process.stdin.write(line)
        process.stdin.flush()
    except BrokenPipeError:
        pass  # Its answer, which is none, tells.


def _results(processes: list[subprocess.Popen[bytes]], spans: Iterator[Span]) -> Iterator[Chunk]:
    """Spans are dealt out in turn, so the next answer is always that of the next process."""
    pending: list[subprocess.Popen[bytes]] = []
    for _ in range(_AHEAD):
        for process, span in zip(processes, islice(spans, len(processes)), strict=False):
            _say(process, json.dumps(span).encode() + b"\n")
            pending.append(process)
    while pending:
        process = pending.pop(0)
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise StoreUnavailable(
                f"a worker of the verification broke off: {_last_words(process)}"
            )
        for span in islice(spans, 1):
            _say(process, json.dumps(span).encode() + b"\n")
            pending.append(process)
        yield _decode(line)


def _last_words(process: subprocess.Popen[bytes]) -> str:
    _, said = process.communicate()
    return said.decode(errors="replace").strip().rpartition("\n")[2] or "it was killed"


def main() -> None:
    """A worker: from standard input to standard output."""
    session = msgspec.json.decode(sys.stdin.buffer.readline(), type=_Session)
    with psycopg.connect(session.conninfo) as connection:
        connection.execute(query("ledger", "snapshot"))
        snapshot = sql.Literal(session.snapshot)
        connection.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(snapshot))
        connection.execute(query("ledger", "adopt_session"), {"search_path": session.search_path})
        connection.execute(query("ledger", "walk_settings"))
        for line in sys.stdin.buffer:
            chunk = verify_chunk(connection, *json.loads(line))
            sys.stdout.buffer.write(msgspec.json.encode(chunk) + b"\n")
            sys.stdout.buffer.flush()
