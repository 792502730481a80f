"""`gate fallback`: the lock that needs no server of ours."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gate.cli.cluster import kubeconfig_option, need_client
from gate.cli.exits import Exit
from gate.cli.opening import open_inputs
from gate.cli.options import (
    INSTANT,
    VariadicCommand,
    calendar_option,
    dsn_option,
    json_option,
    policy_option,
    stored_inputs_options,
)
from gate.cli.output import complain, print_json
from gate.cli.screen import moment
from gate.core.problems import InputError
from gate.core.wording import lasting

if TYPE_CHECKING:
    from gate.service.fallback.status import LeaseNow, Status

Decorated = Callable[..., Any]


def _compiling(command: Decorated) -> Decorated:
    """What the lock is compiled for."""
    command = click.option(
        "--environment", metavar="NAME", help="Environment of the cluster; else unknown.",
    )(command)  # fmt: skip
    return click.option(
        "--weeks", type=click.IntRange(1, 52), default=12, show_default=True,
        help="How many weeks of windows to compile in.",
    )(command)  # fmt: skip


def _own_namespace(variable: str | None = None) -> Callable[[Decorated], Decorated]:
    """``--own-namespace``, from a variable of the gate's own pod where the command runs there."""
    return click.option(
        "--own-namespace", envvar=variable, default="saturday-gate", show_default=True,
        metavar="NAME", help="Namespace of the gate itself, which is never locked"
        + (f"; else {variable}." if variable else "."),
    )  # fmt: skip


@click.group()
def fallback() -> None:
    """Compile, keep and watch the lock that holds with nothing of the gate running.

    It is a ValidatingAdmissionPolicy: the API servers judge by it alone, with their own Leases as
    the clock. While the webhook answers, it stands aside.
    """


@fallback.command(
    cls=VariadicCommand,
    epilog="""\b
Examples:
  gate fallback compile --policy policy.yaml --calendar weddings.csv --weeks 12 \\
      --environment production --out fallback/
  kubectl apply -f fallback/
""",
)
@policy_option
@calendar_option
@_compiling
@_own_namespace()
@click.option(
    "--out", "folder", type=click.Path(file_okay=False, path_type=Path), metavar="DIR",
    help="Write one document a file there; else to standard output.",
)  # fmt: skip
@click.option("--at", type=INSTANT, metavar="INSTANT", help="Compile from then on; default: now.")
@dsn_option
@json_option
def compile(  # noqa: A001  (the command's name)
    policy_path: str,
    calendar_paths: tuple[str, ...],
    weeks: int,
    environment: str | None,
    own_namespace: str,
    folder: Path | None,
    at: datetime | None,
    dsn: str | None,
    as_json: bool,
) -> None:
    """Write the policy and its binding, and a pair that warns once the compiled weeks are over.

    With a database, manual locks count. Apply the documents again whenever policy, calendar or
    locks change, and every few weeks; `gate fallback run` does so.
    """
    from gate.cluster.fallback import documents, rendering  # noqa: PLC0415  (loads a YAML writer)

    inputs = open_inputs(policy_path, calendar_paths, dsn)
    options = documents.Options(
        at=at or datetime.now(UTC),
        weeks=weeks,
        environment=environment or None,
        own_namespace=own_namespace,
    )
    lock = documents.compile_lock(inputs.timeline, inputs.facts.calendar.sha256, options)
    if max(map(documents.document_bytes, lock.documents)) > documents.CLIENT_APPLY_BYTES:
        complain("too long for a plain `kubectl apply`: use `kubectl apply --server-side`")
    if folder is not None:
        try:
            paths = rendering.write_files(lock.documents, folder)
        except OSError as error:
            raise InputError.of(
                f"cannot be written: {error.strerror}", field="--out", file=str(folder)
            ) from None
    if as_json:
        print_json({"apiVersion": "v1", "kind": "List", "items": lock.documents})
    elif folder is not None:
        click.echo("\n".join(map(str, paths)))
    else:
        click.echo(rendering.to_yaml(lock.documents), nl=False)


@fallback.command(
    cls=VariadicCommand,
    epilog="""\b
Examples:
  gate fallback run --policy policy.yaml --calendar weddings.csv --environment production
  GATE_DSN=postgresql://gate@db.example/gate gate fallback run --environment production

\b
SIGTERM ends it. Exit codes: 0 ended as told, or (--once) installed; 2 bad usage or input;
4 (--once) the lock could not be installed.
""",
)
@stored_inputs_options
@dsn_option
@_compiling
@_own_namespace("POD_NAMESPACE")
@kubeconfig_option
@click.option("--state", type=click.Path(file_okay=False, path_type=Path), metavar="DIR",
              help="Remember there what the database said, for when it is away.")  # fmt: skip
@click.option("--metrics", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="Keep figures and alerts there, in Prometheus' text format.")  # fmt: skip
@click.option("--once", is_flag=True, help="Install the lock and end; do not stand it aside.")
def run(
    policy_path: str | None,
    calendar_paths: tuple[str, ...],
    dsn: str | None,
    weeks: int,
    environment: str | None,
    own_namespace: str,
    kubeconfig: str | None,
    state: Path | None,
    metrics: Path | None,
    once: bool,
) -> int:
    """Keep the lock installed as policy, calendar and manual locks change, and stand it aside.

    While a lock holds, or is a minute away, the webhook is probed through the API server; as long
    as it answers, the judgement is left to it. Alerts and log lines (JSON) go to standard error.
    """
    if dsn is None and (policy_path is None or not calendar_paths):
        raise click.UsageError("give --policy and --calendar, or a --dsn that has them")
    need_client()
    from gate.service.fallback.run import serve  # noqa: PLC0415
    from gate.service.fallback.worker import Settings  # noqa: PLC0415

    settings = Settings(
        weeks=weeks, environment=environment or None, own_namespace=own_namespace, metrics=metrics
    )
    done = serve(kubeconfig, policy_path, calendar_paths, settings, dsn=dsn, state=state, once=once)
    return Exit.ALLOWED if done else Exit.UNDECIDED


@fallback.command(
    epilog="""\b
Examples:
  gate fallback status
  gate fallback status --kubeconfig cluster.kubeconfig --json

\b
Exit codes: 0 all is well, 2 bad usage or input, 4 not installed, without a clock, or with fewer
than two weeks left; or the cluster could not be asked.
"""
)
@kubeconfig_option
@json_option
def status(kubeconfig: str | None, as_json: bool) -> int:
    """Show what is installed, how long it lasts, its clocks, and which namespaces are open."""
    import os  # noqa: PLC0415

    need_client()
    from gate.service.fallback.cluster import Cluster  # noqa: PLC0415
    from gate.service.fallback.status import read_status  # noqa: PLC0415
    from gate.service.keeper.kube import ClusterUnavailable  # noqa: PLC0415

    try:
        found = read_status(Cluster.connect(kubeconfig, os.environ))
    except ClusterUnavailable as error:
        complain(str(error))
        return Exit.UNDECIDED
    if as_json:
        print_json(found)
    else:
        click.echo("\n".join(_lines(found)))
    for problem in found.problems:
        complain(problem)
    return Exit.UNDECIDED if found.problems else Exit.ALLOWED


def _lines(found: "Status") -> Iterator[str]:
    if not found.installed:
        yield "The fallback lock is not installed."
    elif found.compiled_until is not None:
        left = found.compiled_until - found.now
        yield (
            f"Installed in mode {found.mode}, compiled until {moment(found.compiled_until)}"
            f" ({lasting(left) if left.total_seconds() > 0 else 'nothing'} left)"
        )
        yield f"  policy {found.policy or 'without a name'} {found.policy_sha256}"
        yield f"  calendar {found.calendar_sha256}, environment {found.environment or 'unknown'}"
    yield f"Clock, at {moment(found.now)}:"
    yield from (f"  {each.name}  {_age(each)}" for each in found.leases)
    yield f"Protected namespaces: {len(found.namespaces)}"
    for place in found.namespaces:
        texts = {"standby": place.standby_until, "override": place.override_until}
        said = [f"{name} until {text}" for name, text in texts.items() if text is not None]
        yield f"  {place.name}  {'OPEN' if place.open else 'locked when it is time'}" + (
            f"  {', '.join(said)}" if said else ""
        )


def _age(lease: "LeaseNow") -> str:
    if lease.age_seconds is None:
        return "has no time"
    return f"renewed {max(lease.age_seconds, 0.0):.0f} s ago"
