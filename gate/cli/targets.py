"""The request that a command asks about, from its options."""

from collections.abc import Callable
from typing import Any

import click

from gate.cli.options import ACTION, INVOKER, scope_options
from gate.core.decision import Request
from gate.core.policy import Action

Decorated = Callable[..., Any]


def target_options(command: Decorated) -> Decorated:
    """``--action``, ``--invoker`` and the four fields of a target."""
    command = scope_options(command)
    command = click.option(
        "--invoker", type=INVOKER, default="automation", show_default=True, help="Who asks."
    )(command)
    return click.option(
        "--action", type=ACTION, default="deploy", show_default=True, help="What the change does."
    )(command)


def request_of(action: str, invoker: str, fields: dict[str, str | None]) -> Request:
    """The request; an empty scope field counts as left out."""
    given = {name: value for name, value in fields.items() if value}
    return Request(
        action=Action(action), invoker="human" if invoker == "human" else "automation", **given
    )


def target_words(request: Request) -> str:
    """``deploy by automation to environment production, service api``."""
    fields = ("environment", "namespace", "service", "repository")
    named = [f"{name} {getattr(request, name)}" for name in fields if getattr(request, name)]
    where = f" to {', '.join(named)}" if named else ""
    return f"{request.action} by {_INVOKERS[request.invoker]}{where}"


_INVOKERS = {"human": "a person", "automation": "automation"}
