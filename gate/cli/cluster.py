"""What commands that talk to a cluster have in common: which one, and the library that it takes."""

import importlib.util
from collections.abc import Callable
from typing import Any

import click

from gate.cli.options import EXISTING_FILE
from gate.core.problems import InputError

Decorated = Callable[..., Any]


def kubeconfig_option(command: Decorated) -> Decorated:
    """``--kubeconfig FILE``."""
    return click.option(
        "--kubeconfig", type=EXISTING_FILE, metavar="FILE",
        help="The cluster; else KUBECONFIG, else the pod's own account.",
    )(command)  # fmt: skip


def namespace_option(command: Decorated) -> Decorated:
    """``--namespace NAME`` of the targets; None: all of them.

    An empty one, of a variable that is not set, must not become all of them: it is refused.
    """
    return click.option(
        "--namespace", metavar="NAME", callback=_namespace, help="Only targets of this namespace."
    )(command)


def need_client() -> None:
    """Raises `InputError` where the client of Kubernetes is not installed."""
    if importlib.util.find_spec("kubernetes") is None:
        raise InputError.of(
            "talking to a cluster needs the extra `cluster`",
            mend="pip install 'saturday-gate[cluster]'",
        )


def _namespace(_: click.Context, option: click.Parameter, given: str | None) -> str | None:
    from gate.cluster.configuration import parse_namespace  # noqa: PLC0415

    try:
        return None if given is None else parse_namespace(given)
    except ValueError as error:
        raise click.BadParameter(str(error), param=option) from None
