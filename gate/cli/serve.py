"""`gate serve`: the HTTP API, and what works beside it, in one process."""

import json
import os
import socket
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gate.cli import options
from gate.cli.exits import Exit

if TYPE_CHECKING:
    from gate.service.api.settings import Settings
    from gate.store.connect import Target

_EPILOG = """\b
Examples:
  gate serve --policy policy.yaml --calendar weddings.csv --dev
  GATE_DSN=postgresql://gate@db.example/gate gate serve --listen 0.0.0.0:8080 --migrate

\b
SIGTERM drains, ships what was answered and ends it.
Exit codes: 0 ended as told, 2 bad usage or input, 4 the address, the database or the journal
cannot be had.
"""
_MIB = 1 << 20
_PARTS = ("api", "dashboard", "workers")


def _parts(_: click.Context, __: click.Parameter, given: str) -> frozenset[str]:
    names = frozenset(name.strip() for name in given.split(","))
    if unknown := sorted(names - set(_PARTS)):
        raise click.BadParameter(f"no part {unknown[0]!r}; there are {', '.join(_PARTS)}")
    return names


@click.command(cls=options.VariadicCommand, epilog=_EPILOG)
@options.stored_inputs_options
@click.option("--dsn", metavar="DSN",
              help="PostgreSQL to use; else GATE_DSN, else `embedded`.")  # fmt: skip
@click.option("--migrate", is_flag=True,
              help="Bring the schema up to date first; the embedded one always is.")  # fmt: skip
@click.option("--kubeconfig", type=options.EXISTING_FILE, metavar="FILE",
              help="The cluster whose floors the workers keep at the plan.")  # fmt: skip
@click.option("--listen", default="127.0.0.1:8080", show_default=True, metavar="HOST:PORT",
              help="The address; port 0 takes any free one.")  # fmt: skip
@click.option("--dev", is_flag=True,
              help="Ask nobody for credentials; on a loopback address only.")  # fmt: skip
@click.option("--only", default=",".join(_PARTS), show_default=True, metavar="PART,…",
              callback=_parts, help="Which parts to run.")  # fmt: skip
@click.option("--state", type=click.Path(file_okay=False), metavar="DIR",
              help="Where decisions are kept until they are in the ledger; default: beside"
              " the embedded database, or in GATE_DATA_DIR.")  # fmt: skip
@click.option("--journal-cap", type=click.IntRange(1), default=1024, show_default=True,
              metavar="MIB", help="Beyond this, nothing more is recorded or allowed.")  # fmt: skip
@options.json_option
def serve(**given: Any) -> int:
    """Answer over HTTP, by the contract in `/openapi.json`.

    Every decision is on disk before it is answered, and in the ledger once the database can be
    reached. Log lines (JSON) go to standard error.
    """
    from gate.service.listener import listen  # noqa: PLC0415  (a server's own modules)

    host, port = options.address(given["listen"])
    if given["dev"] and not _is_loopback(host):
        raise click.BadParameter(
            f"{given['listen']} can be reached from elsewhere, and --dev asks nobody for"
            " credentials: listen on 127.0.0.1 or leave --dev out",
            param_hint="--dev",
        )
    _check(given["policy_path"], given["calendar_paths"])
    if given["kubeconfig"] and "workers" in given["only"]:
        from gate.service.keeper.kube import named_client  # noqa: PLC0415  (loads the client)

        named_client(given["kubeconfig"], os.environ)
    target = _database(given)
    try:
        listener = listen(host, port)
    except OSError as error:
        click.echo(f"gate: cannot listen on {given['listen']}: {error.strerror or error}", err=True)
        return Exit.UNDECIDED
    return _run(given, target, listener)


def _run(given: dict[str, Any], target: "Target", listener: socket.socket) -> int:
    from gate.service.api.parts import server  # noqa: PLC0415  (loads FastAPI)
    from gate.service.state_folder import StateFolder  # noqa: PLC0415

    place = StateFolder.take(Path(given["state"] or _state_folder(os.environ)).absolute(), target)
    settings = _settings(given, target, place)

    def announce(address: str) -> None:
        if given["as_json"]:
            click.echo(json.dumps({"listening": address}))
        else:
            click.echo(f"serving on http://{address}")

    made = server(settings, target, listener, environ=os.environ, announce=announce)
    try:
        return Exit.ALLOWED if made.run() else Exit.BUG
    finally:
        place.close()


def _settings(given: dict[str, Any], target: "Target", place: Any) -> "Settings":
    from gate.service.api.settings import Settings  # noqa: PLC0415
    from gate.service.deciding import DecidingSettings  # noqa: PLC0415

    return Settings(
        deciding=DecidingSettings(
            policy=str(Path(given["policy_path"]).absolute()) if given["policy_path"] else None,
            calendars=tuple(str(Path(path).absolute()) for path in given["calendar_paths"]),
            dsn=target.dsn,
            journal=place.journal,
            state=place.state,
            socket=place.socket,
            doors=("api", "github"),
            journal_cap_bytes=given["journal_cap"] * _MIB,
        ),
        dev=given["dev"],
        kubeconfig=given["kubeconfig"],
        only=given["only"],
    )


def _check(policy: str | None, calendars: tuple[str, ...]) -> None:
    """Find out now what the server would stumble over. Raises InputError."""
    from gate.core.document import read_policy  # noqa: PLC0415
    from gate.inputs import compile_inputs  # noqa: PLC0415

    if policy and calendars:
        compile_inputs(policy, calendars)
    elif policy:
        read_policy(Path(policy).read_bytes(), policy)


def _database(given: dict[str, Any]) -> "Target":
    """The database, its schema brought up to date where that was asked for.

    One that cannot be reached now is no reason not to decide: what is answered waits on disk.
    Raises StoreUnavailable for an embedded one that does not start, and for an outdated schema.
    """
    from gate.cli.database import where  # noqa: PLC0415  (loads the database driver)
    from gate.service.logs import log  # noqa: PLC0415
    from gate.store import StoreUnavailable  # noqa: PLC0415
    from gate.store.connect import EMBEDDED, connect_anyway, store_errors  # noqa: PLC0415
    from gate.store.errors import StoreOutdated  # noqa: PLC0415
    from gate.store.migrations import migrate, outdated  # noqa: PLC0415

    target = where(given["dsn"] or os.environ.get("GATE_DSN") or EMBEDDED)
    embedded = target.dsn == EMBEDDED
    try:
        connection = connect_anyway(target)
    except StoreUnavailable as error:
        if embedded or given["migrate"]:
            raise
        log("database-lost", error=str(error))
        return target
    with connection, store_errors():
        if embedded or given["migrate"]:
            migrate(connection, target.schema)
        elif missing := outdated(connection, target.schema):
            raise StoreOutdated(
                f"schema {target.schema} lacks {len(missing)} migration(s), first {missing[0]}:"
                " run `gate db migrate`, or start with `gate serve --migrate`"
            )
    return target


def _is_loopback(host: str) -> bool:
    try:
        found = socket.getaddrinfo(host or None, 0, flags=socket.AI_PASSIVE)
    except OSError:
        return False
    return all(ip_address(str(each[4][0]).partition("%")[0]).is_loopback for each in found)


def _state_folder(environ: Any) -> Path:
    from gate.store.folders import data_folder  # noqa: PLC0415

    folder = data_folder(environ)
    return (folder if environ.get("GATE_DATA_DIR") else folder.parent) / "serve"
