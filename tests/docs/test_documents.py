"""Documents and code say the same: commands, exit codes, settings, variables, dependencies."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import msgspec
import pytest

from gate.cli.exits import Exit
from gate.cli.main import cli
from tests.docs.pages import PAGES, ROOT, anchors, blocks, links, name

REFERENCE = ROOT / "docs" / "reference"


def read(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def normal(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()


def dependencies() -> set[str]:
    """The distributions that pyproject.toml names, the project's own extras left out."""
    project = tomllib.loads(read(ROOT / "pyproject.toml"))
    asked = list(project["project"]["dependencies"]) + project["build-system"]["requires"]
    for extra in project["project"]["optional-dependencies"].values():
        asked += extra
    names = {normal(re.split(r"[\[<>=!~; ]", each, maxsplit=1)[0]) for each in asked}
    return names - {"saturday-gate"}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_resolve(page: Path) -> None:
    broken = []
    for link in links(page):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        known = target.exists() and (not anchor or anchor in anchors(target))
        if not known:
            broken.append(link)
    assert not broken


def test_every_page_is_reachable_from_the_index() -> None:
    seen: set[Path] = set()
    ahead = [ROOT / "README.md", ROOT / "docs" / "README.md"]
    while ahead:
        page = ahead.pop()
        if page in seen or page.suffix != ".md":
            continue
        seen.add(page)
        for link in links(page):
            target = (page.parent / link.partition("#")[0]).resolve()
            if target.is_dir():
                ahead += target.glob("*.md")
            elif target.exists() and not re.match(r"[a-z]+:", link):
                ahead.append(target)
    assert set(PAGES) - seen == set()


def commands(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    """Every command that is no group, with its full name."""
    if not isinstance(command, click.Group):
        yield path, command
        return
    context = click.Context(command)
    for each in command.list_commands(context):
        found = command.get_command(context, each)
        assert found is not None
        yield from commands(found, f"{path} {each}")


def test_commands_and_options_are_documented() -> None:
    page = read(REFERENCE / "commands.md")
    sections = dict(re.findall(r"^#+ (gate .*)\n((?:(?!^#).*\n)*)", page, re.MULTILINE))
    for path, command in commands(cli, "gate"):
        options = {opt for each in command.params for opt in each.opts if opt.startswith("--")}
        shown = set(re.findall(r"--[a-z][a-z-]*", sections[path]))
        assert options <= shown, path


@pytest.mark.parametrize("page", [REFERENCE / "exit-codes.md", ROOT / "README.md"], ids=name)
def test_exit_codes_are_documented(page: Path) -> None:
    rows = {int(code) for code in re.findall(r"^\| (\d+) \|", read(page), re.MULTILINE)}
    assert rows == {code.value for code in Exit}


def test_environment_variables_are_documented() -> None:
    used: set[str] = set()
    for source in (ROOT / "gate").rglob("*.py"):
        used.update(re.findall(r"\bGATE_[A-Z_]*[A-Z]", read(source)))
    documented = set(re.findall(r"^\| `(\w+)`", read(REFERENCE / "environment.md"), re.MULTILINE))
    assert documented == used


def properties(schema: Any) -> set[str]:
    """The names of all properties that a JSON Schema declares."""
    found: set[str] = set()
    if isinstance(schema, dict):
        if isinstance(schema.get("properties"), dict):
            found.update(schema["properties"])
        for part in schema.values():
            found |= properties(part)
    elif isinstance(schema, list):
        for part in schema:
            found |= properties(part)
    return found


def test_policy_keys_are_documented() -> None:
    gate = Path(sys.executable).parent / "gate"
    done = subprocess.run([gate, "policy", "schema"], check=True, stdout=subprocess.PIPE)
    page = read(REFERENCE / "policy.md")
    documented = set(re.findall(r"`([^`]+)`", page)) | set(re.findall(r"\b[a-z_]+\b", page))
    assert properties(msgspec.json.decode(done.stdout)) - documented == set()


def test_each_dependency_has_a_line() -> None:
    page = read(ROOT / "docs" / "dependencies.md")
    described = {normal(row) for row in re.findall(r"^\| ([\w.-]+) \|", page, re.MULTILINE)}
    assert described - {"library", "editables"} == dependencies()


def test_each_dependency_is_locked_with_hashes() -> None:
    lock = read(ROOT / "requirements" / "lock.txt")
    locked = {normal(each) for each in re.findall(r"^([\w.-]+)==", lock, re.MULTILINE)}
    assert dependencies() <= locked
    assert all("--hash=sha256:" in part for part in re.split(r"\n(?=\w)", lock.strip()))


def test_documented_make_targets_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", read(ROOT / "Makefile"), re.MULTILINE))
    for page in PAGES:
        text = "\n".join([*blocks(page, "sh"), *re.findall(r"`(make [^`]+)`", read(page))])
        assert set(re.findall(r"\bmake ([a-z-]+)", text)) <= targets, page
