"""The `gate` command: finds the command asked for, and turns every ending into an exit code.

Commands are imported when called: `gate check` decides in a few milliseconds, and must not wait for
a database driver or a table renderer that it does not use.
"""

import importlib
import io
import os
import sys
from collections.abc import Sequence
from typing import IO, TYPE_CHECKING, Any, NoReturn

import click

from gate import __version__
from gate.cli.exits import Exit
from gate.core.problems import InputError
from gate.store import StoreUnavailable

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

# command: (module:attribute, one line of help)
COMMANDS: dict[str, tuple[str, str]] = {
    "check": ("gate.cli.check:check", "Decide whether a change may go out."),
    "explain": ("gate.cli.explain:explain", "Show why, and the next two weeks as a picture."),
    "windows": ("gate.cli.windows:windows", "List the locked times of a range."),
    "load": ("gate.cli.load:load", "Show the load that the calendar implies."),
    "plan": ("gate.cli.load:plan", "Show the replica floors that cover the load."),
    "observed": ("gate.cli.observed:observed", "Ask for observed load, and learn from it."),
    "prescale": ("gate.cli.prescale:prescale", "Raise floors ahead of the load, and restore them."),
    "capacity": ("gate.cli.capacity:capacity", "Tell whether the floors to come will fit."),
    "policy": ("gate.cli.policy:policy", "Judge, show, test and store policies."),
    "calendar": ("gate.cli.calendar:calendar", "Judge calendar files, and store them."),
    "lock": ("gate.cli.lock:lock", "Lock changes by hand, and release them."),
    "override": ("gate.cli.override:override", "Grant, approve and revoke exceptions."),
    "scale": ("gate.cli.scale:scale", "Hold capacity by hand, and release it."),
    "emergency": ("gate.cli.emergency:emergency", "Raise all floors and lock deploys at once."),
    "audit": ("gate.cli.audit:audit", "Read, export, verify and sign the ledger."),
    "fallback": ("gate.cli.fallback:fallback", "Compile and keep the lock without a server."),
    "journal": ("gate.cli.journal:journal", "See and ship what waits for the ledger on disk."),
    "db": ("gate.cli.db:db", "Bring the database's schema up to date."),
    "webhook": ("gate.cli.webhook:webhook", "Answer Kubernetes' admission reviews."),
    "serve": ("gate.cli.serve:serve", "Serve the HTTP API, and what works beside it."),
    "action": ("gate.cli.action:action", "Decide as the step of a GitHub workflow."),
    "github": ("gate.cli.github:github", "Keep checks on pull requests as decided."),
    "completion": ("gate.cli.completion:completion", "Print what a shell needs to complete gate."),
}
_ISSUES = "https://github.com/saturday-gate/saturday-gate/issues"


class ReaderGoneError(Exception):
    """Whoever read the output has gone. Click would make a broken pipe exit code 1, a bug."""


class LazyGroup(click.Group):
    """A group that imports a command's module when that command is used."""

    def __init__(self, *args: Any, commands_by_name: dict[str, tuple[str, str]], **kwargs: Any):
        super().__init__(*args, **kwargs)
        self._lazy = commands_by_name

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command, in the order of the table."""
        return list(self._lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command; None (and so a usage error) where there is none."""
        if cmd_name not in self._lazy:
            return None
        module, _, attribute = self._lazy[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command asked for."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise ReaderGoneError from None

    def shell_complete(self, ctx: click.Context, incomplete: str) -> "list[CompletionItem]":
        """The commands that begin so, from the table, and the group's own options."""
        from click.shell_completion import CompletionItem  # noqa: PLC0415  (only a shell asks)

        commands = [
            CompletionItem(name, help=line)
            for name, (_, line) in self._lazy.items()
            if name.startswith(incomplete)
        ]
        return commands + click.Command.shell_complete(self, ctx, incomplete)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands from the table, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in self._lazy.items()])


@click.group(
    cls=LazyGroup,
    commands_by_name=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 allowed, 1 a bug, 2 bad usage or input, 3 denied, 4 could not decide.",
)
@click.version_option(__version__, prog_name="gate")
def cli() -> None:
    """Saturday Gate: may this change go out while people marry?

    The answer comes from a policy, a wedding calendar and the load that the calendar implies.
    """


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit; never a traceback unless GATE_DEBUG is set."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # An output that cannot carry a character of a name shows its code instead of failing.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        code = cli.main(args=arguments, prog_name="gate", standalone_mode=False)
        sys.stdout.flush()
        sys.exit(code if isinstance(code, int) else Exit.ALLOWED)
    except InputError as error:
        for problem in error.problems:
            _say(f"gate: {problem}")
        sys.exit(Exit.BAD_INPUT)
    except StoreUnavailable as error:
        _say(f"gate: {error}")
        sys.exit(Exit.UNDECIDED)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(Exit.INTERRUPTED)
    except (BrokenPipeError, ReaderGoneError):
        _abandon_output()
        sys.exit(Exit.INTERRUPTED)
    except OSError as error:
        # A full disk under our output, say: no answer was given, so nothing may go out.
        _say(f"gate: {error.strerror or error}")
        _abandon_output()
        sys.exit(Exit.UNDECIDED)
    except Exception as error:
        if os.environ.get("GATE_DEBUG"):
            raise
        _say(f"gate: internal error, a bug: {type(error).__name__}: {error}")
        _say(f"gate: please report it at {_ISSUES}; GATE_DEBUG=1 prints where it happened")
        sys.exit(Exit.BUG)


def _abandon_output() -> None:
    """Keep the interpreter from flushing what nobody can take."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _say(text: str, stream: IO[str] | None = None) -> None:
    print(text, file=stream or sys.stderr)
