"""Write docs/reference/commands.md from the commands themselves.

    python scripts/command_reference.py

A test holds the page and the commands together.
"""

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "reference" / "commands.md"
sys.path.insert(0, str(ROOT))

_HEAD = """# Commands

Written by `python scripts/command_reference.py` from the commands themselves. `gate COMMAND --help`
says the same in the terminal. What the exit codes mean: [exit codes](exit-codes.md); the variables
that are read: [environment variables](environment.md).

Instants are RFC 3339 with seconds and an offset (`2026-06-13T14:00:00Z`); durations are one whole
number with `s`, `m`, `h` or `d`, or ISO 8601 (`PT2H`). Ranges hold their start and not their end.
"""


def page() -> str:
    """The whole page."""
    from gate.cli.main import cli  # noqa: PLC0415  (the path is set above)

    return "\n".join([_HEAD, *_sections(cli, "gate", 1)])


def _sections(command: click.Command, name: str, depth: int) -> Iterator[str]:
    context = click.Context(command, info_name=name)
    if not isinstance(command, click.Group):
        yield from _section(command, context, name, depth)
        return
    if depth > 1:
        yield f"{'#' * depth} {name}\n\n{_paragraphs(command.help)}"
    for sub in command.list_commands(context):
        found = command.get_command(context, sub)
        assert found is not None
        yield from _sections(found, f"{name} {sub}", depth + 1)


def _section(
    command: click.Command, context: click.Context, name: str, depth: int
) -> Iterator[str]:
    usage = " ".join(command.collect_usage_pieces(context))
    yield f"{'#' * depth} {name}\n"
    yield f"`{name} {usage}`\n"
    yield _paragraphs(command.help)
    records = [
        record
        for param in command.get_params(context)
        if (record := param.get_help_record(context)) is not None and "--help" not in param.opts
    ]
    if records:
        yield "| option | |\n|---|---|"
        for option, text in records:
            yield f"| `{_cell(option)}` | {_cell(text)} |"
        yield ""
    if command.epilog:
        yield _epilog(command.epilog)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _paragraphs(text: str | None) -> str:
    """The help text; click re-wraps it, and so may Markdown."""
    return inspect.cleandoc((text or "").replace("\b\n", "")) + "\n"


def _epilog(text: str) -> str:
    """Examples as a block of shell, anything else as a paragraph."""
    out = []
    for part in inspect.cleandoc(text).split("\b\n"):
        lines = part.strip("\n").splitlines()
        if len(lines) > 1 and lines[0].startswith("Example"):
            out.append("```sh\n" + inspect.cleandoc("\n".join(["", *lines[1:]])) + "\n```\n")
        elif lines:
            out.append(" ".join(lines) + "\n")
    return "\n".join(out)


if __name__ == "__main__":
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE.relative_to(ROOT)}")
