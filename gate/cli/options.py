"""Option types and option sets that several commands share."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import click

from gate.core.instants import parse_duration, parse_instant
from gate.core.policy import Action
from gate.core.problems import InputError


class VariadicCommand(click.Command):
    """A command whose ``--calendar`` takes one or more files and may be repeated."""

    variadic = ("--calendar",)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Give every further file its own option, then parse as usual."""
        return super().parse_args(ctx, list(spread(args, self.variadic)))


def spread(arguments: Iterable[str], names: Sequence[str]) -> Iterable[str]:
    """``--calendar a b`` as ``--calendar a --calendar b``, for the options named."""
    current: str | None = None
    pending = False
    for argument in arguments:
        name = argument.partition("=")[0]
        if name in names:
            current, pending = name, "=" not in argument
            yield argument
        elif argument.startswith("-") and argument != "-":
            current = None
            yield argument
        elif current is not None and not pending:
            yield current
            yield argument
        else:
            pending = False
            yield argument


class _Parsed(click.ParamType[Any, Any]):
    """A value read by a function that raises ValueError with a message for people."""

    def __init__(self, name: str, parse: Callable[[str], Any]) -> None:
        self.name = name
        self._parse = parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Parse text; values of a default pass."""
        if not isinstance(value, str):
            return value
        try:
            return self._parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


INSTANT: click.ParamType[Any, Any] = _Parsed("instant", parse_instant)
DURATION: click.ParamType[Any, Any] = _Parsed("duration", parse_duration)
ACTION = click.Choice([action.value for action in Action])
INVOKER = click.Choice(["human", "automation"])
EXISTING_FILE = click.Path(exists=True, dir_okay=False, readable=False)

Decorated = Callable[..., Any]


def policy_option(command: Decorated) -> Decorated:
    """``--policy FILE``."""
    return click.option(
        "--policy", "policy_path", type=EXISTING_FILE, required=True, metavar="FILE",
        help="The policy document (YAML or JSON).",
    )(command)  # fmt: skip


def calendar_option(command: Decorated) -> Decorated:
    """``--calendar FILE…`` of a `VariadicCommand`."""
    return click.option(
        "--calendar", "calendar_paths", type=EXISTING_FILE, multiple=True, required=True,
        metavar="FILE…", help="Calendars (CSV, JSON, JSON Lines, iCalendar); repeatable.",
    )(command)  # fmt: skip


def stored_policy_option(command: Decorated) -> Decorated:
    """``--policy FILE``, where the database's will do."""
    return click.option(
        "--policy", "policy_path", type=EXISTING_FILE, metavar="FILE",
        help="The policy document; without it, the database's.",
    )(command)  # fmt: skip


def stored_inputs_options(command: Decorated) -> Decorated:
    """``--policy FILE`` and ``--calendar FILE…`` of a `VariadicCommand`, likewise."""
    command = click.option(
        "--calendar", "calendar_paths", type=EXISTING_FILE, multiple=True, metavar="FILE…",
        help="Calendars; without them, the database's.",
    )(command)  # fmt: skip
    return stored_policy_option(command)


def span_options(command: Decorated) -> Decorated:
    """``--ahead`` and ``--hold``: how far a plan looks around an instant."""
    command = click.option(
        "--hold", type=DURATION, default="1h", show_default=True, metavar="DURATION",
        help="How long after the load its replicas are kept.",
    )(command)  # fmt: skip
    return click.option(
        "--ahead", type=DURATION, default="30m", show_default=True, metavar="DURATION",
        help="How long before the load its replicas stand ready.",
    )(command)  # fmt: skip


def range_options(command: Decorated) -> Decorated:
    """``--from`` and ``--to``: the range ``[from, to)``."""
    command = click.option(
        "--to", "end", type=INSTANT, required=True, metavar="INSTANT", help="End, exclusive."
    )(command)
    return click.option(
        "--from", "start", type=INSTANT, required=True, metavar="INSTANT", help="Start, inclusive."
    )(command)


def scope_options(command: Decorated) -> Decorated:
    """The four fields of a target."""
    for name, what in reversed(
        [
            ("environment", "Environment of the target, such as production."),
            ("namespace", "Kubernetes namespace of the target."),
            ("service", "Service that changes."),
            ("repository", "Repository that the change comes from, as OWNER/NAME."),
        ]
    ):
        command = click.option(f"--{name}", metavar="NAME", help=what)(command)
    return command


def json_option(command: Decorated) -> Decorated:
    """``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


def checked_range(start: datetime, end: datetime) -> tuple[datetime, datetime]:
    """The range, if it is one; a usage error where ``from`` is not before ``to``."""
    if start >= end:
        raise click.BadParameter(
            "the range is empty: --from must lie before --to", param_hint="--from"
        )
    return start, end


def positive(duration: timedelta, name: str) -> timedelta:
    """A duration above zero; a usage error otherwise."""
    if duration <= timedelta(0):
        raise click.BadParameter("must be longer than 0s", param_hint=name)
    return duration


def dsn_option(command: Decorated) -> Decorated:
    """``--dsn``, else GATE_DSN."""
    return click.option(
        "--dsn", envvar="GATE_DSN", metavar="DSN",
        help="PostgreSQL to use, or `embedded`; else GATE_DSN.",
    )(command)  # fmt: skip


def batch_option(command: Decorated) -> Decorated:
    """``--batch FILE|-``."""
    return click.option(
        "--batch",
        "batch_path",
        metavar="FILE|-",
        type=click.Path(dir_okay=False, readable=False, exists=True, allow_dash=True),
        help="Answer a JSON object a line; the options given are the defaults of each.",
    )(command)


def address(text: str) -> tuple[str, int]:
    """Host and port of ``--listen``. Raises InputError."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdigit() or int(port) > 65535:
        raise InputError.of(
            f"{text!r} is no address", field="--listen", mend="write HOST:PORT, as 0.0.0.0:8443"
        )
    return host.removeprefix("[").removesuffix("]"), int(port)
