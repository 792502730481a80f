"""`gate fallback`: the lock that needs no server of ours."""

from datetime import UTC, datetime
from pathlib import Path

import click

from gate.cli.opening import open_inputs
from gate.cli.options import (
    INSTANT,
    VariadicCommand,
    calendar_option,
    dsn_option,
    json_option,
    policy_option,
)
from gate.cli.output import complain, print_json
from gate.core.problems import InputError


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
@click.option(
    "--weeks", type=click.IntRange(1, 52), default=12, show_default=True,
    help="How many weeks of windows to compile in.",
)  # fmt: skip
@click.option("--environment", metavar="NAME", help="Environment of the cluster; else unknown.")
@click.option(
    "--out", "folder", type=click.Path(file_okay=False, path_type=Path), metavar="DIR",
    help="Write one document a file there; else to standard output.",
)  # fmt: skip
@click.option("--at", type=INSTANT, metavar="INSTANT", help="Compile from then on; default: now.")
@click.option(
    "--own-namespace", default="saturday-gate", show_default=True, metavar="NAME",
    help="Where the gate itself runs, which is never locked.",
)  # fmt: skip
@dsn_option
@json_option
def compile(  # noqa: A001  (the command's name)
    policy_path: str,
    calendar_paths: tuple[str, ...],
    weeks: int,
    environment: str | None,
    folder: Path | None,
    at: datetime | None,
    own_namespace: str,
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
    if as_json:
        print_json({"apiVersion": "v1", "kind": "List", "items": lock.documents})
    if folder is not None:
        try:
            paths = rendering.write_files(lock.documents, folder)
        except OSError as error:
            raise InputError.of(
                f"cannot be written: {error.strerror}", field="--out", file=str(folder)
            ) from None
        if not as_json:
            click.echo("\n".join(map(str, paths)))
    elif not as_json:
        click.echo(rendering.to_yaml(lock.documents), nl=False)
