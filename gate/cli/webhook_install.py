"""`gate webhook install`: the API server sends changes to the gate from then on."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import click
import msgspec

from gate.cli.documents import policy_bytes
from gate.cli.exits import Exit
from gate.cli.options import EXISTING_FILE, json_option
from gate.cli.output import complain, count, print_json, write
from gate.cluster.configuration import (
    DEFAULT_NAME,
    PROTECT_LABEL,
    FailurePolicy,
    Service,
    Settings,
    configuration,
    parse_certificate_name,
    parse_name,
    parse_namespace,
    parse_service,
    parse_url,
)
from gate.cluster.requests import NEVER_MATCHED
from gate.core.document import read_policy

_MAX_BUNDLE_BYTES = 1 << 20
_EPILOG = """\b
Examples:
  gate webhook install --ca ca.crt | kubectl apply -f -
  gate webhook install --ca ca.crt --policy policy.yaml --apply
  gate webhook install --ca ca.crt --url https://gate.example.com:8443/validate
  gate webhook install --service gates/gate:8443 --inject-ca-from gates/gate-tls --apply
  gate webhook install --ca ca.crt --failure-policy Ignore --apply --dry-run

\b
Exit codes: 0 done, 2 bad usage or input, 4 the API server cannot be reached, or refuses.
"""


class AppliedLine(msgspec.Struct, frozen=True, kw_only=True):
    """What `--apply --json` prints; ``namespaces`` null: they could not be listed."""

    name: str
    server: str
    created: bool
    dry_run: bool
    namespaces: tuple[str, ...] | None
    configuration: dict[str, Any]


def _reads(parse: Callable[[str], Any]) -> Callable[..., Any]:
    """A click callback for a reader that raises ValueError with a message for people."""

    def convert(_: click.Context, __: click.Parameter, text: str | None) -> Any:
        try:
            return None if text is None else parse(text)
        except ValueError as error:
            raise click.BadParameter(str(error)) from None

    return convert


@click.command(epilog=_EPILOG)
@click.option(
    "--url", metavar="URL", callback=_reads(parse_url),
    help="Where the API server reaches the webhook: https://HOST:PORT/validate.",
)  # fmt: skip
@click.option(
    "--service", metavar="NAMESPACE/NAME[:PORT]", callback=_reads(parse_service),
    help="The same as a Service; default: saturday-gate in the gate's own namespace, port 443.",
)  # fmt: skip
@click.option(
    "--ca", "ca_path", type=EXISTING_FILE, metavar="FILE",
    help="Certificates (PEM) of the authority that signed the webhook's certificate.",
)  # fmt: skip
@click.option(
    "--inject-ca-from", metavar="NAMESPACE/NAME", callback=_reads(parse_certificate_name),
    help="In place of --ca: cert-manager fills in the authority of this Certificate.",
)  # fmt: skip
@click.option(
    "--name", default=DEFAULT_NAME, show_default=True, metavar="NAME", callback=_reads(parse_name),
    help="Name of the ValidatingWebhookConfiguration.",
)  # fmt: skip
@click.option(
    "--failure-policy", type=click.Choice(["Fail", "Ignore"]),
    default="Fail", show_default=True,
    help="What becomes of a change while the webhook does not answer.",
)  # fmt: skip
@click.option(
    "--timeout", "timeout_seconds", type=click.IntRange(1, 30), default=3, show_default=True,
    metavar="SECONDS", help="How long the API server waits for an answer.",
)  # fmt: skip
@click.option(
    "--own-namespace", metavar="NAME", callback=_reads(parse_namespace),
    help="The gate's own namespace, never matched; default: the Service's, else saturday-gate.",
)  # fmt: skip
@click.option(
    "--policy", "policy_path", type=EXISTING_FILE, metavar="FILE",
    help="Do not even send what users do that this policy exempts: they need no webhook then.",
)  # fmt: skip
@click.option("--apply", "applies", is_flag=True, help="Apply it, rather than print it.")
@click.option(
    "--force-conflicts", is_flag=True,
    help="With --apply: take over fields that someone else set.",
)  # fmt: skip
@click.option(
    "--dry-run", is_flag=True, help="With --apply: let the API server judge it, and change nothing."
)
@click.option(
    "--kubeconfig", type=EXISTING_FILE, metavar="FILE",
    help="The cluster for --apply; else KUBECONFIG, else the pod's own, else ~/.kube/config.",
)  # fmt: skip
@json_option
def install(
    applies: bool,
    force_conflicts: bool,
    dry_run: bool,
    kubeconfig: str | None,
    as_json: bool,
    **options: Any,
) -> int:
    """Print, or apply, the ValidatingWebhookConfiguration that sends changes to the gate.

    It names what the gate judges and nothing else, in namespaces that have the label
    saturday-gate.io/protect: "true". To take it away: kubectl delete
    validatingwebhookconfiguration NAME.
    """
    if force_conflicts and not applies:
        raise click.UsageError("--force-conflicts goes with --apply")
    settings = _settings(**options)
    made = configuration(settings)
    if not applies:
        _print(made, as_json=as_json)
        return Exit.ALLOWED
    from gate.cli.webhook_apply import ClusterUnavailable, apply  # noqa: PLC0415

    try:
        applied = apply(made, kubeconfig, dry_run=dry_run, force=force_conflicts)
    except ClusterUnavailable as error:
        complain(str(error))
        return Exit.UNDECIDED
    line = AppliedLine(
        name=settings.name,
        server=applied.server,
        created=applied.created,
        dry_run=dry_run,
        namespaces=applied.namespaces,
        configuration=made,
    )
    if as_json:
        print_json(line)
    else:
        for text in _words(settings, line):
            click.echo(text)
    return Exit.ALLOWED


def _settings(
    url: str | None,
    service: Service | None,
    ca_path: str | None,
    inject_ca_from: str | None,
    name: str,
    failure_policy: str,
    timeout_seconds: int,
    own_namespace: str | None,
    policy_path: str | None,
) -> Settings:
    """The settings that options mean; warnings are said on the way."""
    if url is not None and service is not None:
        raise click.UsageError("give one of --url and --service")
    if (ca_path is None) == (inject_ca_from is None):
        raise click.UsageError("give one of --ca and --inject-ca-from")
    home = own_namespace or (service.namespace if service else DEFAULT_NAME)
    exempt = read_policy(policy_bytes(policy_path), policy_path).exempt if policy_path else ()
    if failure_policy == "Fail" and policy_path is None:
        complain(
            "warning: with Fail, Kubernetes' own controllers (autoscaling among them) wait for the"
            " webhook, too; --policy FILE leaves out the users that the policy exempts"
        )
    return Settings(
        target=url or service or Service(namespace=home, name=DEFAULT_NAME),
        own_namespace=home,
        name=name,
        failure_policy=cast("FailurePolicy", failure_policy),
        timeout_seconds=timeout_seconds,
        ca=_bundle(ca_path) if ca_path else None,
        inject_ca_from=inject_ca_from,
        unsent_users=exempt,
    )


def _bundle(path: str) -> bytes:
    from gate.cluster.bundle import read_bundle  # noqa: PLC0415  (loads cryptography)
    from gate.core.problems import InputError  # noqa: PLC0415

    try:
        with Path(path).open("rb") as stream:
            data = stream.read(_MAX_BUNDLE_BYTES + 1)
    except OSError as error:
        raise InputError.of(f"cannot be read: {error.strerror}", file=path) from None
    if len(data) > _MAX_BUNDLE_BYTES:
        raise InputError.of(f"has more than {_MAX_BUNDLE_BYTES} bytes", file=path)
    bundle = read_bundle(data, path, datetime.now(UTC))
    for warning in bundle.warnings:
        complain(f"warning: {warning}")
    return bundle.pem


def _print(made: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(made)
        return
    import yaml  # noqa: PLC0415  (only where YAML is printed)

    class Dumper(yaml.SafeDumper):
        """Writes a list of words on one line."""

        def represent_sequence(self, tag: str, sequence: Any, flow_style: Any = None) -> Any:
            inline = all(isinstance(each, str) for each in sequence)
            return super().represent_sequence(tag, sequence, flow_style=inline)

    write(yaml.dump(made, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=1000).encode())


def _words(settings: Settings, line: AppliedLine) -> Iterator[str]:
    """What was done, whom the API server asks, and about which namespaces."""
    done = "created" if line.created else "applied"
    trial = " (dry run: nothing was changed)" if line.dry_run else ""
    yield f"{done} ValidatingWebhookConfiguration {settings.name}{trial}"
    then = "refuses" if settings.failure_policy == "Fail" else "lets pass"
    yield f"  asks {settings.target}, waits {settings.timeout_seconds} s, then {then}"
    if line.namespaces is None:
        yield f"  protects what is labelled {PROTECT_LABEL}=true (namespaces could not be listed)"
        return
    excluded = {NEVER_MATCHED, settings.own_namespace}
    protected = [name for name in line.namespaces if name not in excluded]
    if protected:
        yield f"  protects {count(len(protected), 'namespace')}: {', '.join(protected)}"
    else:
        yield f"  protects no namespace yet: kubectl label namespace NAME {PROTECT_LABEL}=true"
    for name in sorted(excluded.intersection(line.namespaces)):
        yield f"  never matches {name}, whatever its labels"
