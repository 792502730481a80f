"""Help, completion and the command table: what a newcomer meets first."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from gate.cli.main import COMMANDS, cli
from tests.cli.conftest import Gate

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("rich", "psycopg", "pydantic", "icalendar", "yaml", "cryptography")


def commands(command: click.Command = cli, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The path of every command and group under the root."""
    if path:
        yield path
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None, name
            yield from commands(found, (*path, name))


def test_help_lists_every_command_with_its_line(gate: Gate) -> None:
    ended = gate("--help")
    assert ended.code == 0
    for name, (_, line) in COMMANDS.items():
        assert any(row.split()[:1] == [name] for row in ended.out.splitlines()), name
        assert line.split(".")[0].split()[0] in ended.out


@pytest.mark.parametrize("path", list(commands()), ids=" ".join)
def test_every_command_explains_itself(gate: Gate, path: tuple[str, ...]) -> None:
    ended = gate(*path, "--help")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith(f"Usage: gate {' '.join(path)} ")
    found = cli
    for name in path:
        assert isinstance(found, click.Group)
        command = found.get_command(click.Context(found), name)
        assert command is not None
        found = command  # type: ignore[assignment]
    if not isinstance(found, click.Group):
        assert "Example" in (found.epilog or ""), "an example teaches more than an option"
        for param in found.params:
            if isinstance(param, click.Option):
                assert param.help, f"{param.name} has no help"


# A script for a shell; a worker that prints nothing, and whose log is JSON always.
WITHOUT_JSON = {("completion",), ("fallback", "run")}


def test_one_command_has_one_way_to_ask_for_json() -> None:
    for path in commands():
        found: click.Command = cli
        for name in path:
            assert isinstance(found, click.Group)
            found = found.get_command(click.Context(found), name) or found
        flags = {opt for param in found.params for opt in param.opts}
        if not isinstance(found, click.Group) and path not in WITHOUT_JSON:
            assert "--json" in flags, path


def test_an_unknown_command_is_bad_usage(gate: Gate) -> None:
    ended = gate("chekc")
    assert (ended.code, ended.out) == (2, "")
    assert "No such command 'chekc'" in ended.err


@pytest.mark.parametrize("arguments", [["--help"], ["check", "--help"]])
def test_help_loads_no_heavy_library(arguments: list[str]) -> None:
    program = (
        "import sys\nfrom gate.cli.main import main\n"
        f"try:\n    main({arguments!r})\nexcept SystemExit:\n    pass\n"
        f"print(sorted(set(sys.modules) & set({HEAVY!r})), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stderr.strip() == "[]"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(gate: Gate, shell: str) -> None:
    ended = gate("completion", shell)
    assert ended.code == 0
    assert "_GATE_COMPLETE" in ended.out
    assert gate("completion", "tcsh").code == 2


def test_a_shell_gets_commands_options_and_choices(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    def offered(line: str) -> list[str]:
        monkeypatch.setenv("_GATE_COMPLETE", "bash_complete")
        monkeypatch.setenv("COMP_WORDS", line)
        monkeypatch.setenv("COMP_CWORD", str(len(line.split(" ")) - 1))
        rows = gate().out.splitlines()
        return [row.partition(",")[2] for row in rows]

    assert offered("gate ex") == ["explain"]
    assert set(offered("gate policy ")) >= {"validate", "show", "schema", "test"}
    assert offered("gate windows --fo") == ["--format"]
    assert offered("gate windows --format i") == ["ics"]


def test_the_reference_is_current() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import command_reference as c; sys = __import__('sys'); "
         "sys.exit(c.PAGE.read_text(encoding='utf-8') != c.page())"],
        cwd=ROOT / "scripts", check=False,
    )  # fmt: skip
    assert done.returncode == 0, "run: python scripts/command_reference.py"
