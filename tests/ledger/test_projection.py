"""The database's columns and the verifier's are two writings of one definition."""

import itertools
from datetime import UTC, datetime

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.rows import dict_row

from gate.core.decision import AppliedOverride, PolicyRef
from gate.ledger.append import append
from gate.ledger.identity import Writer, commitment, mint, minted_at
from gate.ledger.projection import columns_of, disagreement
from gate.ledger.verify import verify
from gate.store.queries import query
from tests.ledger.build import DENIED, NOON, UNDECIDED, record

TEXTS = ("actor", "environment", "namespace", "service", "repository", "uid")
_writers = itertools.count(1)

texts = st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
hard = st.sampled_from(["", '"', "\\", '\\"', "\x00", "\\u0000", "\\\x00", "é" * 501, "\U0001f600"])
instants = st.datetimes(datetime(1970, 1, 1), datetime(2199, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
changes = st.fixed_dictionaries(
    dict.fromkeys(TEXTS, texts | hard)
    | {
        "at": instants,
        "invoker": st.sampled_from(["human", "automation"]),
        "kind": st.sampled_from([{}, DENIED, UNDECIDED]),
        "override": st.none()
        | st.builds(
            AppliedOverride,
            id=hard,
            by=st.just("a"),
            reason=hard,
            until=instants,
            approved_by=st.just(()),
        ),
        "policy": st.builds(PolicyRef, name=texts, sha256=st.none() | st.just("0f" * 32)),
    }
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(changes, min_size=1, max_size=8))
def test_what_is_appended_verifies_whatever_it_says(
    connection: psycopg.Connection, given_changes: list[dict[str, object]]
) -> None:
    writer = Writer("webhook", f"w-{next(_writers)}")
    made = []
    for change in given_changes:
        kind = change.pop("kind")
        assert isinstance(kind, dict)
        made.append(record(writer, **(kind | change)))
    seqs = append(connection, made)
    found = verify(connection)
    assert found.ok, found.why
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(query("ledger", "columns"), {"seqs": seqs}).fetchall()
    assert [disagreement(row) for row in rows] == [None] * len(made)
    assert [row["payload"] for row in rows] == [each.payload for each in made]


def test_a_payload_that_is_no_object_is_no_record() -> None:
    with pytest.raises(ValueError, match="object"):
        columns_of(b"[]")
    assert disagreement({"payload": b"{"}) == "the payload is no record"


@given(st.datetimes(datetime(1970, 1, 1), datetime(2199, 12, 31), timezones=st.just(UTC)))  # noqa: DTZ001
def test_an_id_tells_when_it_was_made(now: datetime) -> None:
    identifier = mint(now, "webhook", "w-1", 1)
    assert minted_at(identifier) == now.replace(microsecond=now.microsecond // 1000 * 1000)
    assert identifier[14] == "7"
    assert identifier[19] in "89ab"


def test_ids_differ_with_door_writer_and_number() -> None:
    given = [("api", "w", 1), ("apiw", "w", 1), ("api", "w/w", 1), ("api", "w", 2), ("api", "x", 1)]
    assert len({commitment(*each) for each in given}) == len(given)
    assert len({mint(NOON, *each) for each in given}) == len(given)


@pytest.mark.parametrize(
    ("door", "writer", "number"),
    [
        ("", "w", 1),
        ("Api", "w", 1),
        ("a/b", "w", 1),
        ("api", "", 1),
        ("api", "w w", 1),
        ("api", "é", 1),
        ("api", "w", 0),
        ("api", "w" * 101, 1),
    ],
)
def test_what_cannot_be_recorded_as(door: str, writer: str, number: int) -> None:
    with pytest.raises(ValueError, match="cannot record as"):
        mint(NOON, door, writer, number)
