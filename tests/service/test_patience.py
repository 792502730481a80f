"""No wait for the database is without an end, and a renewed one is longer."""

import time

import psycopg
import pytest

from gate.store.connect import Target
from gate.store.errors import StoreUnavailable
from gate.store.patience import answered_within, line

pytestmark = pytest.mark.store


def test_an_answer_in_time_leaves_the_connection_alone(connection: psycopg.Connection) -> None:
    for _ in range(3):
        with answered_within(connection, 5):
            connection.execute("SELECT pg_sleep(0.05)")
    assert connection.execute("SELECT 1").fetchone() == (1,)


def test_one_that_is_late_breaks_it(where: Target) -> None:
    began = time.monotonic()
    with (
        line(where, 5) as connection,
        pytest.raises(StoreUnavailable, match=r"within 0\.2 s"),
        answered_within(connection, 0.2),
    ):
        connection.execute("SELECT pg_sleep(30)")
    assert time.monotonic() - began < 10


def test_a_renewed_patience_lasts_from_then(connection: psycopg.Connection) -> None:
    with answered_within(connection, 0.5) as patience:
        for _ in range(4):
            connection.execute("SELECT pg_sleep(0.2)")
            patience.renew()
    assert connection.execute("SELECT 1").fetchone() == (1,)


def test_other_errors_stay_what_they_are(connection: psycopg.Connection) -> None:
    with pytest.raises(psycopg.errors.SyntaxError), answered_within(connection, 5):
        connection.execute("SELEC")
    with pytest.raises(ZeroDivisionError), answered_within(connection, 5):
        raise ZeroDivisionError
