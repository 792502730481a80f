"""Run the Action's program as GitHub does: environment in; log, files and exit code out."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

ROOT = Path(__file__).resolve().parents[2]
WEDDINGS = "id,date,timezone,culture,guests\na,2026-06-13,Asia/Kolkata,indian,600\n"
HEAD = "version: 1\nname: wedding-platform\ntimezone: Europe/London\n"
NEVER = f"{HEAD}windows: []\nlevel_lock: {{at: never}}\n"
_COMMAND = re.compile(r"::(?P<kind>\w+)(?: (?P<properties>.*?))?::(?P<message>.*)")


class Annotation(msgspec.Struct, frozen=True):
    """An annotation as the runner understands it."""

    kind: str
    properties: dict[str, str]
    message: str


class Ended(msgspec.Struct, frozen=True):
    """How a step ended."""

    code: int
    log: str
    err: str
    outputs: dict[str, str]
    summary: str
    folder: Path

    def annotations(self, kind: str) -> list[Annotation]:
        """The annotations of a kind, without the one that nothing is recorded."""
        found = annotations(self.log)
        return [a for a in found if a.kind == kind and "not recorded" not in a.properties["title"]]

    @property
    def kept(self) -> list[dict[str, Any]]:
        """What was appended to the workspace's own record."""
        path = self.folder / "gate-decisions.jsonl"
        return [msgspec.json.decode(line) for line in path.read_bytes().splitlines()]


class Workspace:
    """A checked-out repository; ``environ`` is set beside the inputs."""

    def __init__(self, folder: Path, environ: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.environ = dict(environ or {})
        (folder / ".gate").mkdir()
        self.write(NEVER)
        (folder / ".gate" / "calendar.csv").write_text(WEDDINGS)

    def write(self, policy: str, path: str = ".gate/policy.yaml") -> None:
        """Put a policy there."""
        (self.folder / path).write_text(policy)

    def command(self, inputs: Mapping[str, str], *arguments: str) -> tuple[list[str], Any]:
        """The command line, and the environment with the inputs as GitHub names them."""
        environ = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "GITHUB_ACTIONS": "true",
            "GITHUB_WORKSPACE": str(self.folder),
            "GITHUB_OUTPUT": str(self.folder / "output"),
            "GITHUB_STEP_SUMMARY": str(self.folder / "summary"),
            "GITHUB_REPOSITORY": "weddings/platform",
            "GITHUB_ACTOR": "ann",
            "XDG_CACHE_HOME": str(self.folder / "cache"),
        }
        environ |= {k: v for k, v in os.environ.items() if k.startswith("COVERAGE_")}
        environ |= self.environ
        environ |= {f"INPUT_{name.upper()}": value for name, value in inputs.items()}
        return [sys.executable, "-W", "error", "-m", "gate", "action", *arguments], environ

    def run(self, *arguments: str, **inputs: str) -> Ended:
        """Run the step; an input's name has ``_`` for ``-``."""
        named = {name.replace("_", "-"): value for name, value in inputs.items()}
        command, environ = self.command(named, *arguments)
        done = subprocess.run(
            command, env=environ, cwd="/", capture_output=True, text=True, check=False, timeout=60
        )
        return self.ended(done.returncode, done.stdout, done.stderr)

    def ended(self, code: int, log: str, err: str = "") -> Ended:
        """The end of a step, with what it wrote."""
        summary = self.folder / "summary"
        return Ended(
            code=code,
            log=log,
            err=err,
            outputs=read_outputs(self.folder / "output"),
            summary=summary.read_text() if summary.exists() else "",
            folder=self.folder,
        )


def frozen(start: timedelta, end: timedelta, more: str = "") -> str:
    """A policy with one lock, from and to so far from now."""
    now = datetime.now(UTC)
    first, last = (f"{now + edge:%Y-%m-%dT%H:%M:%SZ}" for edge in (start, end))
    window = f"{{name: freeze, start: {first}, end: {last}}}"
    return f"{HEAD}windows: [{window}]\nlevel_lock: {{at: never}}\n{more}"


LOCKED = (timedelta(hours=-1), timedelta(hours=5))


def read_outputs(path: Path) -> dict[str, str]:
    """``GITHUB_OUTPUT`` as the runner reads it: the last value of a name counts."""
    found: dict[str, str] = {}
    lines = iter(path.read_bytes().decode().split("\n")) if path.exists() else iter(())
    for line in lines:
        if not line:
            continue
        equals, heredoc = line.find("="), line.find("<<")
        if heredoc >= 0 and (equals < 0 or heredoc < equals):
            name, _, delimiter = line.partition("<<")
            value = []
            while (part := next(lines)) != delimiter:
                value.append(part)
            found[name] = "\n".join(value)
        else:
            assert equals > 0, line
            found[line[:equals]] = line[equals + 1 :]
    return found


def annotations(log: str) -> list[Annotation]:
    """The commands of a log, as the runner parses them; any other command is a failure."""
    found = []
    for line in re.split(r"\r\n|\r|\n", log):
        assert not re.search(r"##\[.*\]", line), line
        if not line.lstrip().startswith("::"):
            continue
        match = _COMMAND.fullmatch(line)
        assert match, line
        pairs = (match["properties"] or "").split(",")
        properties = dict(pair.split("=", 1) for pair in pairs if pair)
        kept = {key: unescaped(value, ":,") for key, value in properties.items()}
        assert match["kind"] in {"error", "warning", "notice"}, line
        assert set(kept) <= {"title", "file", "line"}, line
        found.append(Annotation(match["kind"], kept, unescaped(match["message"])))
    return found


def unescaped(text: str, more: str = "") -> str:
    """What the runner makes of an escaped text, in its order."""
    for character in ("\r", "\n", *more, "%"):
        text = text.replace(f"%{ord(character):02X}", character)
    return text
