"""What the commands that need the database share: how they reach it, who acts, when."""

import getpass
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import click

from gate.core.ids import RANDOM_BYTES, uuid7
from gate.core.instants import micros

if TYPE_CHECKING:
    import psycopg

    from gate.ledger.acts.entries import Act
    from gate.store.connect import Target

Decorated = Callable[..., Any]
DOOR = "command"
"""How the ledger names what came through the command line."""


def database_option(command: Decorated) -> Decorated:
    """``--dsn``, else GATE_DSN, without which there is nothing to do."""
    return click.option(
        "--dsn", metavar="DSN",
        help="PostgreSQL to use, or `embedded`; else GATE_DSN.",
    )(command)  # fmt: skip


def by_option(command: Decorated) -> Decorated:
    """``--by NAME``: who acts."""
    return click.option(
        "--by", envvar="GATE_ACTOR", metavar="NAME", default=_login_name,
        help="Who does this, for the record; else GATE_ACTOR, else the login name.",
    )(command)  # fmt: skip


def where(dsn: str | None) -> "Target":
    """The database that is meant; InputError where none is named or the DSN is none."""
    from gate.store.connect import target  # noqa: PLC0415  (loads the database driver)

    return target(dsn, os.environ)


@contextmanager
def session(dsn: str | None) -> Iterator["psycopg.Connection"]:
    """A connection for the block; StoreUnavailable where it cannot be had or breaks."""
    from gate.store.connect import session as store_session  # noqa: PLC0415

    with store_session(where(dsn)) as connection:
        yield connection


def act_of(by: str, roles: tuple[str, ...] = ()) -> "Act":
    """An act of the present moment, recorded as done through the command line."""
    from gate.ledger.acts.entries import Act  # noqa: PLC0415
    from gate.ledger.identity import Writer  # noqa: PLC0415

    writer = Writer(DOOR, f"{DOOR}-{uuid4().hex}")
    return Act(by=by, now=datetime.now(UTC), writer=writer, roles=roles)


def new_id(at: datetime) -> UUID:
    """A fresh UUIDv7."""
    return UUID(uuid7(micros(at) // 1000, os.urandom(RANDOM_BYTES)))


def _login_name() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        # A container may run as a user without a name.
        return f"uid-{os.getuid()}"
