"""How many rows a second the ledger takes and verifies, on the embedded PostgreSQL.

Two peers in the same run, round by round in turn with it. *Insert*: the same rows with the same
columns and indexes into a plain table without a chain, a statement each, two thousand to a
transaction, pipelined. *Re-hash*: PostgreSQL's own SHA-256 over every row and nothing else, the
least that a verification inside the database would do.

    python benchmarks/bench_ledger.py [--rows 300000] [--rounds 3]
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.report import median, publish
from gate.core.decision import (
    CalendarRef,
    Decision,
    Effect,
    Level,
    LoadNow,
    Phase,
    PolicyRef,
    Reason,
    Request,
    Verdict,
)
from gate.core.policy import Action
from gate.ledger.append import BATCH_ROWS, append
from gate.ledger.identity import Writer
from gate.ledger.projection import DERIVED, columns_of
from gate.ledger.records import Record, decision_record
from gate.ledger.verify import verify
from gate.store import embedded
from gate.store.connect import EMBEDDED, Target, connect

NOON = datetime(2026, 6, 13, 12, tzinfo=UTC)
DENIED_IN = 5
"""One decision in so many is a denial, with the longer payload of its reasons."""
PEER_ROWS = 20_000
REHASH = (
    b"SELECT count(*) FROM saturday_protection_audit WHERE hash <> sha256(prev_hash || payload)"
)
COLUMNS = ("seq", "prev_hash", "hash", "payload", "door", "writer", "number", *DERIVED)


def decision(number: int, identifier: str) -> Decision:
    """What a webhook decides: mostly allowed, now and then denied."""
    denied = number % DENIED_IN == 0
    at = NOON + timedelta(microseconds=1_234_567 * number)
    return Decision(
        id=identifier,
        at=at,
        verdict=Verdict.DENY if denied else Verdict.ALLOW,
        effect=Effect.BLOCK if denied else Effect.ALLOW,
        phase=Phase.LOCKED if denied else Phase.OPEN,
        level=Level.HIGH if denied else Level.NORMAL,
        request=Request(
            action=Action.DEPLOY,
            invoker="automation",
            environment="production",
            namespace="wedding-platform",
            service=f"service-{number % 40}",
            actor=f"system:serviceaccount:ci:{number % 100}",
        ),
        reasons=(
            Reason(
                code="window",
                window="saturday",
                date=at.date(),
                zones=("Asia/Kolkata", "Europe/London"),
                start=NOON,
                end=NOON + timedelta(hours=12),
                message="Saturday in Asia/Kolkata, Europe/London: nothing is changed today.",
            ),
        )
        if denied
        else (),
        locked_from=NOON if denied else None,
        locked_until=NOON + timedelta(hours=12) if denied else None,
        next_change=NOON + timedelta(hours=12),
        load=LoadNow(
            demand=1538.0, needed=52, required_replicas=50, shortfall=2, weddings_today=53
        ),
        override=None,
        recorded=True,
        policy=PolicyRef(name="wedding-platform", sha256="ab" * 32),
        calendar=CalendarRef(sha256="cd" * 32, weddings=53),
        tzdata="2026.6",
    )


def records(count: int, writer: Writer) -> list[Record]:
    """The writer's next records, ready to be appended."""
    made = []
    for _ in range(count):
        number, identifier = writer.next(NOON)
        made.append(
            decision_record(
                decision(number, identifier),
                door=writer.door,
                writer=writer.name,
                number=number,
            )
        )
    return made


def seconds(work: Callable[..., object], *given: Any, **named: Any) -> float:
    """How long `work` takes."""
    started = time.perf_counter()
    work(*given, **named)
    return time.perf_counter() - started


def as_rows(made: list[Record], first: int) -> list[dict[str, Any]]:
    """What the peer writes for records."""
    return [
        {
            "seq": seq,
            "prev_hash": bytes(32),
            "hash": bytes(32),
            "payload": record.payload,
            "door": record.door,
            "writer": record.writer,
            "number": record.number,
            **columns_of(record.payload),
        }
        for seq, record in enumerate(made, first)
    ]


def insert_plainly(connection: psycopg.Connection, rows: list[dict[str, Any]]) -> None:
    """The peer's way of writing."""
    names = ", ".join(COLUMNS)
    values = ", ".join(f"%({name})s" for name in COLUMNS)
    statement = f"INSERT INTO plain ({names}) VALUES ({values})".encode()  # noqa: S608
    for start in range(0, len(rows), BATCH_ROWS):
        with connection.transaction(), connection.cursor() as cursor:
            cursor.executemany(statement, rows[start : start + BATCH_ROWS])


def measure(target: Target, rows: int, rounds: int) -> list[dict[str, Any]]:
    """The table's rows."""
    writer = Writer("webhook", "bench")
    appended, inserted, verified, alone, hashed = [], [], [], [], []
    with connect(target) as connection:
        connection.execute(b"CREATE TABLE plain (LIKE saturday_protection_audit INCLUDING ALL)")
        for turn in range(rounds):
            made = records(rows // rounds, writer)
            plain = as_rows(made[:PEER_ROWS], 1 + turn * PEER_ROWS)
            appended.append(len(made) / seconds(append, connection, made))
            inserted.append(len(plain) / seconds(insert_plainly, connection, plain))
        total = rows // rounds * rounds
        connection.execute("VACUUM (FREEZE, ANALYZE) saturday_protection_audit")
        size = connection.execute(
            "SELECT round(avg(octet_length(payload)))::int FROM saturday_protection_audit"
        ).fetchone()
        for _ in range(rounds):
            verified.append(total / seconds(verify, connection))
            alone.append(total / seconds(verify, connection, workers=0))
            hashed.append(total / seconds(connection.execute, REHASH))
        found = verify(connection)
    if not found.ok or found.rows != total or size is None:
        raise SystemExit(f"the ledger of the benchmark does not verify: {found}")
    print_size = f"payload {size[0]} bytes on average"
    return [
        line("append", f"{BATCH_ROWS} rows a call, one writer; {print_size}", appended),
        line("peer: insert", "no chain, same columns and indexes", inserted),
        line("verify", f"{os.cpu_count()} workers: hash, links, every column", verified),
        line("verify, no workers", "the same in one process", alone),
        line("peer: re-hash", "sha256 in PostgreSQL alone, parallel as it plans", hashed),
    ]


def line(what: str, how: str, rates: list[float]) -> dict[str, Any]:
    """A row of the table: the median and the spread."""
    return {
        "what": what,
        "rows/s": round(median(rates)),
        "least": round(min(rates)),
        "most": round(max(rates)),
        "how": how,
    }


def main() -> None:
    """Measure and publish."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=300_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="gate-bench-"))
    base = folder / "postgres"
    try:
        target = Target(dsn=EMBEDDED, schema="gate", embedded_folder=base)
        table = measure(target, given.rows, given.rounds)
        idle = f"load before: {os.getloadavg()[0]:.1f}"
        publish("ledger", table, [f"{given.rows} rows, {given.rounds} rounds, medians; {idle}"])
    finally:
        embedded.stop(base, immediate=True)
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
