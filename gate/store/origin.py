"""Which database it is, as a name for files."""

import hashlib

from psycopg import conninfo

from gate.store.connect import EMBEDDED, Target


def origin(where: Target) -> str:
    """Says which database it is, in a form that tells nothing of how to get into it."""
    if where.dsn == EMBEDDED:
        parts = {EMBEDDED: str(where.embedded_folder)}
    else:
        known = conninfo.conninfo_to_dict(where.dsn)
        names = ("service", "host", "hostaddr", "port", "dbname", "user")
        parts = {name: str(known[name]) for name in names if known.get(name)}
    text = "\n".join(f"{name}={value}" for name, value in parts.items())
    return hashlib.sha256(f"{where.schema}\n{text}".encode()).hexdigest()
