"""Named queries: SQL lives in ``gate/store/sql/*.sql``, code asks for it by name.

A file is a sequence of queries, each under a line ``-- name: the_name``. Parameters are psycopg's
``%(name)s``. Names of tables are not qualified: the session's ``search_path`` holds the schema.
"""

import re
from functools import cache
from importlib import resources

_HEADER = re.compile(r"^-- name: (\w+)\s*$", re.MULTILINE)


@cache
def queries(file: str) -> dict[str, bytes]:
    """The queries of ``sql/{file}.sql`` by name, as psycopg takes them.

    Raises `LookupError` where a name stands twice.
    """
    text = resources.files("gate.store").joinpath("sql", f"{file}.sql").read_text("utf-8")
    parts = _HEADER.split(text)
    names, bodies = parts[1::2], parts[2::2]
    if len(set(names)) != len(names):
        raise LookupError(f"{file}.sql names a query twice")
    return {name: body.strip().encode() for name, body in zip(names, bodies, strict=True)}


def query(file: str, name: str) -> bytes:
    """One query. Raises `LookupError` where there is none of that name."""
    try:
        return queries(file)[name]
    except KeyError:
        raise LookupError(f"{file}.sql has no query {name!r}") from None
