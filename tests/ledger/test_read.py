"""Listing, showing and exporting, with the indexes that carry them."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import msgspec
import psycopg
import pytest

from gate.core.decision import Verdict
from gate.ledger.append import append
from gate.ledger.identity import Writer
from gate.ledger.read import (
    COLUMNS,
    Filter,
    entries,
    entry,
    export_csv,
    export_json_lines,
    statement_of,
)
from gate.store.connect import connect
from tests.ledger.build import DENIED, NOON, UNDECIDED, plain_records, record, records
from tests.postgres import fresh_schema

ROWS = 6000
RARE: dict[str, dict[str, Any]] = {
    "verdict": UNDECIDED,
    "effect": DENIED,
    "actor": {"actor": "zoë"},
    "environment": {"environment": "staging"},
    "service": {"namespace": "shop", "service": "photos"},
    "repository": {"repository": "org/site"},
    "at": {"at": NOON - timedelta(days=3)},
}


@pytest.fixture(scope="module")
def ledger() -> Iterator[psycopg.Connection]:
    """Many ordinary allows, and of everything that one looks for a single row."""
    with fresh_schema(prefix="read") as where, connect(where) as opened:
        usual = Writer("webhook", "w-1")
        append(opened, [record(usual, actor="ci", namespace="shop") for _ in range(ROWS)])
        command = Writer("command", "c-1")
        append(opened, [record(command, **changes) for changes in RARE.values()])
        opened.execute("ANALYZE saturday_protection_audit")
        yield opened


def seqs(found: list[Any]) -> list[int]:
    return [each.seq for each in found]


def place(name: str) -> int:
    return ROWS + 1 + list(RARE).index(name)


FILTERS: dict[str, tuple[Filter, list[int]]] = {
    "verdict": (Filter(verdict="undecided"), [place("verdict")]),
    "verdict deny": (Filter(verdict="deny"), [place("effect")]),
    "effect": (Filter(effect="block", verdict="deny"), [place("effect")]),
    "actor": (Filter(actor="zoë"), [place("actor")]),
    "environment": (Filter(target="staging"), [place("environment")]),
    "service": (Filter(target="photos"), [place("service")]),
    "namespace/service": (Filter(target="shop/photos"), [place("service")]),
    "repository": (Filter(target="org/site"), [place("repository")]),
    "door": (Filter(door="command"), [ROWS + n for n in range(len(RARE), 0, -1)]),
    "at": (Filter(until=NOON), [place("at")]),
    "none": (Filter(actor="zoë", door="webhook"), []),
}


@pytest.mark.parametrize("name", FILTERS)
def test_filters(ledger: psycopg.Connection, name: str) -> None:
    wanted, expected = FILTERS[name]
    assert seqs(entries(ledger, wanted)) == expected


@pytest.mark.parametrize("name", FILTERS)
def test_a_filter_has_its_index(ledger: psycopg.Connection, name: str) -> None:
    wanted, _ = FILTERS[name]
    statement, parameters = statement_of(wanted, after=None, oldest_first=False)
    plan = ledger.execute(b"EXPLAIN " + statement + b" LIMIT 50", parameters).fetchall()
    text = "\n".join(line for (line,) in plan)
    assert "Seq Scan" not in text
    assert "saturday_protection_audit_pkey" not in text


def test_pages_need_no_sort(ledger: psycopg.Connection) -> None:
    statement, parameters = statement_of(Filter(), after=4000, oldest_first=False)
    plan = ledger.execute(b"EXPLAIN " + statement + b" LIMIT 50", parameters).fetchall()
    text = "\n".join(line for (line,) in plan)
    assert "Index Scan Backward using saturday_protection_audit_pkey" in text
    assert "Sort" not in text


def test_pages_follow_one_another(ledger: psycopg.Connection) -> None:
    wanted = Filter(since=NOON, kind="decision")
    first = entries(ledger, wanted, limit=5)
    second = entries(ledger, wanted, limit=5, after=first[-1].seq)
    assert seqs(first + second) == [place("at") - n for n in range(1, 11)]
    assert seqs(entries(ledger, limit=3, after=2, oldest_first=True)) == [3, 4, 5]


def test_an_entry_is_found_by_seq_and_by_id(ledger: psycopg.Connection) -> None:
    found = entry(ledger, place("verdict"))
    assert found is not None
    assert found.verdict == Verdict.UNDECIDED
    assert json.loads(bytes(found.payload))["id"] == str(found.id)
    assert entry(ledger, str(found.id)) == found
    assert entry(ledger, "0198") is None
    assert entry(ledger, 10**9) is None


def test_an_entry_prints_as_json(ledger: psycopg.Connection) -> None:
    found = entry(ledger, 1)
    printed = json.loads(msgspec.json.encode(found))
    assert printed["payload"]["request"]["actor"] == "ci"
    assert printed["prev_hash"] == "00" * 32


def test_export_json_lines(ledger: psycopg.Connection) -> None:
    lines = list(export_json_lines(ledger))
    assert [json.loads(line)["seq"] for line in lines] == list(range(1, ROWS + 1 + len(RARE)))
    tail = list(export_json_lines(ledger, Filter(door="command"), after=ROWS + 2))
    assert [json.loads(line)["seq"] for line in tail] == seqs(
        entries(ledger, Filter(door="command"), after=ROWS + 2, oldest_first=True)
    )


def test_export_csv(connection: psycopg.Connection) -> None:
    made = records(30)
    append(connection, made)
    text = b"".join(export_csv(connection)).decode()
    header, *rows = csv.reader(io.StringIO(text, newline=""))
    assert tuple(header) == COLUMNS
    assert [row[0] for row in rows] == [str(n) for n in range(1, 31)]
    assert [row[-1].encode() for row in rows] == [each.payload for each in made]
    assert b"".join(export_csv(connection, Filter(actor="nobody"))).count(b"\n") == 1


def test_an_export_that_is_left_early_leaves_the_session_usable(
    connection: psycopg.Connection,
) -> None:
    append(connection, plain_records(50))
    lines = export_json_lines(connection)
    next(lines)
    lines.close()  # type: ignore[attr-defined]
    assert len(entries(connection, limit=100)) == 50
