"""`gate webhook`: the admission webhook, and what belongs to it."""

import json
import os
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gate.cli import options
from gate.cli.exits import Exit
from gate.cli.webhook_install import install
from gate.cli.webhook_judge import judge

if TYPE_CHECKING:
    from gate.service.webhook.settings import Settings

_EPILOG = """\b
Examples:
  gate webhook --policy policy.yaml --calendar weddings.csv --journal /var/lib/gate/journal \\
      --listen 0.0.0.0:8443 --tls-cert tls.crt --tls-key tls.key --environment production
  GATE_DSN=postgresql://gate@db.example/gate gate webhook --journal /var/lib/gate/journal \\
      --listen 0.0.0.0:8443 --tls-cert tls.crt --tls-key tls.key

\b
SIGTERM drains and ends it; SIGHUP replaces its workers one by one.
Exit codes: 0 ended as told, 2 bad usage or input, 4 the address or the journal cannot be had.
"""
_MIB = 1 << 20
_MOST_WORKERS = 2


class _Group(click.Group):
    """A group that is a command of its own, whose ``--calendar`` takes several files."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Give every further calendar its own option, then parse as usual."""
        return super().parse_args(ctx, list(options.spread(args, ("--calendar",))))


@click.group(cls=_Group, invoke_without_command=True, epilog=_EPILOG, subcommand_metavar="")
@options.stored_inputs_options
@options.dsn_option
@click.option("--journal", type=click.Path(file_okay=False), metavar="DIR",
              help="Where decisions are kept until they are in the ledger.")  # fmt: skip
@click.option("--listen", metavar="HOST:PORT", help="The address; port 0 takes any free one.")
@click.option("--tls-cert", type=options.EXISTING_FILE, metavar="FILE",
              help="The certificate chain (PEM); reloaded when it changes.")  # fmt: skip
@click.option("--tls-key", type=options.EXISTING_FILE, metavar="FILE", help="Its key (PEM).")
@click.option("--tls-client-ca", type=options.EXISTING_FILE, metavar="FILE",
              help="Take only clients with a certificate of this authority (PEM).")  # fmt: skip
@click.option("--environment", metavar="NAME", help="Environment of this cluster.")
@click.option("--kubeconfig", type=options.EXISTING_FILE, metavar="FILE",
              help="To see rollbacks; else KUBECONFIG, else the pod's account.")  # fmt: skip
@click.option("--own-namespace", envvar="POD_NAMESPACE", default="saturday-gate",
              show_default=True, metavar="NAME",
              help="The gate's own, which is never locked; else POD_NAMESPACE.")  # fmt: skip
@click.option("--workers", type=click.IntRange(1, 64), metavar="N",
              help="Processes that answer; default: one a core, at most two.")  # fmt: skip
@click.option("--journal-cap", type=click.IntRange(1), default=1024, show_default=True,
              metavar="MIB", help="Beyond this, nothing more is recorded or allowed.")  # fmt: skip
@click.option("--drain", type=options.DURATION, default="3s", show_default=True,
              metavar="DURATION", help="How long to serve on after SIGTERM.")  # fmt: skip
@click.option("--reuse-port", is_flag=True,
              help="Share the port with another webhook, to take its place.")  # fmt: skip
@options.json_option
@click.pass_context
def webhook(ctx: click.Context, /, **given: Any) -> int | None:
    """Answer Kubernetes' admission reviews.

    Every decision is on disk before it is answered, and in the ledger once the database can be
    reached. Log lines (JSON) go to standard error.
    """
    if ctx.invoked_subcommand is not None:
        return None
    _require(given)
    return _serve(given)


def _require(given: dict[str, Any]) -> None:
    needed = {"--journal": "journal", "--listen": "listen", "--tls-cert": "tls_cert",
              "--tls-key": "tls_key"}  # fmt: skip
    if not given["dsn"]:
        needed |= {"--policy": "policy_path", "--calendar": "calendar_paths"}
    missing = [option for option, name in needed.items() if not given[name]]
    if missing:
        raise click.UsageError(
            f"missing {', '.join(missing)}"
            + ("" if given["dsn"] else " (policy and calendar may also come from a --dsn)")
        )


def _serve(given: dict[str, Any]) -> int:
    from gate.service.listener import listen  # noqa: PLC0415
    from gate.service.webhook.supervisor import Supervisor  # noqa: PLC0415

    keeper = _keeper_config(given)
    settings = _settings(given, keeper=keeper is not None)
    _check(settings, given["dsn"])
    host, port = options.address(given["listen"])
    try:
        listener = listen(host, port, reuse_port=given["reuse_port"])
    except OSError as error:
        click.echo(f"gate: cannot listen on {given['listen']}: {error.strerror or error}", err=True)
        return Exit.UNDECIDED

    def announce(address: str) -> None:
        if given["as_json"]:
            click.echo(json.dumps({"listening": address}))
        else:
            click.echo(f"answering on https://{address}/validate")

    served = Supervisor(settings, listener, keeper=keeper, announce=announce).run()
    return Exit.ALLOWED if served else Exit.UNDECIDED


def _keeper_config(given: dict[str, Any]) -> bytes | None:
    """What the keeper is told; None where there is neither a database nor an API server."""
    from gate.service.keeper.config import KeeperConfig, encode  # noqa: PLC0415

    kubeconfig = given["kubeconfig"] or os.environ.get("KUBECONFIG")
    in_cluster = bool(os.environ.get("KUBERNETES_SERVICE_HOST"))
    if not (given["dsn"] or kubeconfig or in_cluster):
        return None
    journal = Path(given["journal"]).absolute()
    return encode(
        KeeperConfig(
            journal=str(journal),
            state=str(journal / "state"),
            socket=str(journal / "keeper.sock"),
            dsn=given["dsn"],
            kubeconfig=str(Path(kubeconfig).absolute()) if kubeconfig else None,
            policy=not given["policy_path"],
            calendar=not given["calendar_paths"],
        )
    )


def _settings(given: dict[str, Any], *, keeper: bool) -> "Settings":
    from gate.service.webhook.settings import Settings  # noqa: PLC0415

    def absolute(path: str | None) -> str | None:
        return str(Path(path).absolute()) if path else None

    drain: timedelta = given["drain"]
    return Settings(
        policy=absolute(given["policy_path"]),
        calendars=tuple(str(Path(path).absolute()) for path in given["calendar_paths"]),
        environment=given["environment"] or None,
        journal=str(Path(given["journal"]).absolute()),
        journal_cap_bytes=given["journal_cap"] * _MIB,
        tls_cert=str(Path(given["tls_cert"]).absolute()),
        tls_key=str(Path(given["tls_key"]).absolute()),
        tls_client_ca=absolute(given["tls_client_ca"]),
        keeper=keeper,
        database=bool(given["dsn"]),
        own_namespace=given["own_namespace"],
        workers=given["workers"] or min(_MOST_WORKERS, len(os.sched_getaffinity(0))),
        drain_seconds=drain.total_seconds(),
    )


def _check(settings: "Settings", dsn: str | None) -> None:
    """Find out now what a worker would stumble over. Raises InputError."""
    from gate.inputs import compile_inputs  # noqa: PLC0415  (a server's own modules)
    from gate.service.webhook.tls import Certificate  # noqa: PLC0415

    Certificate(settings.tls_cert, settings.tls_key, settings.tls_client_ca)
    if dsn:
        from gate.cli.database import where  # noqa: PLC0415  (loads the database driver)

        where(dsn)
    if settings.policy and settings.calendars:
        compile_inputs(settings.policy, settings.calendars)
    elif settings.policy:
        from gate.core.document import read_policy  # noqa: PLC0415

        read_policy(Path(settings.policy).read_bytes(), settings.policy)
    Path(settings.journal).mkdir(mode=0o700, parents=True, exist_ok=True)


webhook.add_command(install)
webhook.add_command(judge, "test")
