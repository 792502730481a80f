"""Write `docs/reference/commands.md` from the command line itself; `--check` only compares.

python scripts/reference.py [--check]
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from gate.cli.main import cli

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "commands.md"
HEAD = """# Commands

Made from the code by `make reference`. What each ending means: [exit codes](exit-codes.md). Every
command knows `--help`; `gate --version` prints the version.
"""


def commands(group: click.Group, path: tuple[str, ...]) -> Iterator[tuple[str, click.Command]]:
    """Every command that is not a group, with its full name, in the order of `--help`."""
    context = click.Context(group, info_name=path[-1])
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None or command.hidden:
            continue
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield " ".join((*path, name)), command


def cell(text: str) -> str:
    """Text for a cell of a table."""
    return " ".join(text.split()).replace("|", "\\|")


def rows(command: click.Command) -> Iterator[str]:
    """A row of the table for each argument and option of a command."""
    context = click.Context(command)
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            if record := parameter.get_help_record(context):
                yield f"| `{cell(record[0])}` | {cell(record[1])} |"
        else:
            optional = "" if parameter.required else "optional"
            yield f"| `{cell(parameter.make_metavar(context))}` | {optional} |"


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    for name, command in commands(cli, ("gate",)):
        parts.append(f"\n## `{name}`\n\n{(command.help or '').strip()}\n")
        if table := list(rows(command)):
            parts.append("\n".join(["\n| | |", "|---|---|", *table]) + "\n")
    return "".join(parts)


def main() -> int:
    """Write the page, or say that it is out of date."""
    made = page()
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(made, encoding="utf-8")
        return 0
    if PAGE.read_text(encoding="utf-8") == made:
        return 0
    sys.stdout.write(f"{PAGE.name} is out of date: make reference\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
