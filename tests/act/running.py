"""Run a workflow through act: a small repository in, what a person sees of the run out."""

import fcntl
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from scripts import caching
from tests.act import base
from tests.act.engine import docker

ROOT = base.ROOT
ACT_IMAGE = "act-dockeraction:latest"
"""What act names the image of `uses: ./`."""

STEP = "gate"
"""The id of the gate's step in every workflow that is run."""

HEAD = "version: 1\nname: wedding-platform\ntimezone: Europe/London\nlevel_lock: {at: never}\n"
WEDDINGS = "id,date,timezone,culture,guests\na,2026-06-13,Asia/Kolkata,indian,600\n"
_RUN_SECONDS = 300.0
_OVER = ("created", "dead", "exited")
_SEEN = "seen by a later step: "
_WORKFLOW = """\
name: try
on: [push, workflow_dispatch]
jobs:
  gate:
    runs-on: ubuntu-latest
    %(job)s
    steps:
      - uses: actions/checkout@v4
      - uses: ./
        id: gate
        with: %(inputs)s
        env: %(environ)s
      - if: always()
        env:
          OUTCOME: ${{ steps.gate.outcome }}
          OUTPUTS: ${{ toJSON(steps.gate.outputs) }}
        run: |
          python3 - <<'END'
          import json, os, pathlib
          def text(path):
              return path.read_text() if path.exists() else ""
          print("%(seen)s" + json.dumps({
              "outcome": os.environ["OUTCOME"],
              "outputs": json.loads(os.environ["OUTPUTS"]),
              "kept": text(pathlib.Path("gate-decisions.jsonl")).splitlines(),
          }))
          END
"""


class Annotation(msgspec.Struct, frozen=True):
    """An annotation as the runner understood it."""

    kind: str
    message: str
    title: str = ""
    file: str | None = None
    line: str | None = None


class Seen(msgspec.Struct, frozen=True):
    """What a step after the gate's finds."""

    outcome: str
    outputs: dict[str, str]
    kept: tuple[str, ...]

    @property
    def decision(self) -> dict[str, Any]:
        """The one decision that the workspace keeps."""
        (line,) = self.kept
        found: dict[str, Any] = msgspec.json.decode(line)
        return found


class Ended(msgspec.Struct, frozen=True):
    """How a run of act ended; ``events`` is its log."""

    succeeded: bool
    events: tuple[dict[str, Any], ...]

    @property
    def code(self) -> int:
        """The exit code of the gate's container."""
        for event in self._of_step():
            if found := re.search(r"exit with `FAILURE`: (\d+)", event["msg"]):
                return int(found[1])
        assert any(event.get("stepResult") == "success" for event in self._of_step()), self.log
        return 0

    def annotations(self, kind: str) -> list[Annotation]:
        """The annotations of a kind, in order."""
        return [
            Annotation(kind, event["arg"], **event.get("kvPairs", {}))
            for event in self._of_step()
            if event.get("command") == kind
        ]

    @property
    def summary(self) -> str:
        """What the gate's step wrote into the summary of the run."""
        found = (event for event in self._of_step() if event.get("command") == "summary")
        return "".join(event["content"] for event in found)

    @property
    def seen(self) -> Seen:
        """What the later step printed."""
        (text,) = [line for line in self.printed if line.startswith(_SEEN)]
        return msgspec.json.decode(text.removeprefix(_SEEN), type=Seen)

    @property
    def printed(self) -> list[str]:
        """The lines that steps printed, annotations left out."""
        return [event["msg"].rstrip("\n") for event in self.events if event.get("raw_output")]

    @property
    def log(self) -> str:
        """The log as text, for the reader of a failure."""
        return "\n".join(event["msg"].rstrip("\n") for event in self.events)

    def _of_step(self) -> Iterator[dict[str, Any]]:
        return (event for event in self.events if event.get("stepID") == [STEP])


class Repository:
    """A repository that holds the Action at its root, a policy and a calendar."""

    def __init__(self, folder: Path, image: str) -> None:
        self.folder = folder
        self.image = image
        for name in ("Dockerfile", "action.yml"):
            shutil.copy(ROOT / name, folder)
        self.write(".gate/calendar.csv", WEDDINGS)
        self.write(".gate/policy.yaml", f"{HEAD}windows: []\n")
        self._git("init", "--quiet", "--initial-branch=main")

    def write(self, path: str, text: str) -> None:
        """Put a file there."""
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_text(text)

    def lock(self, start: timedelta, end: timedelta) -> datetime:
        """Make the policy lock between two distances from now; the end, to the second."""
        now = datetime.now(UTC).replace(microsecond=0)
        window = f"start: {now + start:%Y-%m-%dT%H:%M:%SZ}, end: {now + end:%Y-%m-%dT%H:%M:%SZ}"
        policy = f"{HEAD}windows:\n  - {{name: saturday, {window}}}\n"
        self.write(".gate/policy.yaml", policy)
        return now + end

    def run(
        self,
        inputs: Mapping[str, str],
        *,
        environ: Mapping[str, str] | None = None,
        job: str = "",
        event: str = "push",
    ) -> Ended:
        """Run a workflow of one job: the gate, and a step that looks at what it left."""
        filled = {
            "inputs": msgspec.json.encode(inputs).decode(),
            "environ": msgspec.json.encode(environ or {}).decode(),
            "job": job,
            "seen": _SEEN,
        }
        self.write(".github/workflows/try.yml", _WORKFLOW % filled)
        return self.act(".github/workflows/try.yml", event)

    def act(self, workflow: str, event: str, *arguments: str) -> Ended:
        """Run a workflow file of the repository."""
        self._git("add", "--all")
        self._git("commit", "--quiet", "--allow-empty", "--message=Change")
        command = [
            *(program(), event, "--workflows", workflow, "--json", "--rebuild=false"),
            "--rm",
            *("--pull=false", "--container-daemon-socket=-", *arguments),
            *("--platform", f"ubuntu-latest={base.name()}"),
        ]
        with self._named_for_act():
            done = subprocess.run(
                command,
                cwd=self.folder,
                env=self._environ(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                check=False,
                timeout=_RUN_SECONDS,
            )
        lines = [line for line in done.stdout.splitlines() if line.startswith(b"{")]
        events = tuple(msgspec.json.decode(line) for line in lines)
        assert events, done.stdout.decode(errors="replace")
        return Ended(done.returncode == 0, events)

    @contextmanager
    def _named_for_act(self) -> Iterator[None]:
        """Give the image the name that act looks for; runs beside this one must not take it."""
        with (caching.home() / "act.lock").open("w") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            _remove_left()
            docker("tag", self.image, ACT_IMAGE)
            yield

    def _environ(self) -> dict[str, str]:
        """The environment of act: no settings or caches of whoever runs the tests."""
        kept = ("PATH", "DOCKER_HOST", "LANG")
        environ = {name: os.environ[name] for name in kept if name in os.environ}
        return environ | {"HOME": os.fspath(self.folder.parent)}

    def _git(self, *arguments: str) -> None:
        identity = ("-c", "user.name=Gate", "-c", "user.email=gate@example.invalid")
        subprocess.run(["git", *identity, *arguments], cwd=self.folder, check=True)


def _remove_left() -> None:
    """Remove what an act that was killed has left: containers that have ended.

    They keep the volumes that act wants to make anew for a job of the same name. A container that
    still runs is somebody's.
    """
    over = [word for status in _OVER for word in ("--filter", f"status={status}")]
    left = docker("ps", "--all", "--quiet", "--filter", "name=^act-", *over).stdout.decode().split()
    if left:
        docker("rm", *left)


def program() -> str:
    """The environment's own act (a wheel brings it), else that of ``PATH``."""
    beside = os.fspath(Path(sys.executable).parent)
    places = os.pathsep.join((beside, os.environ.get("PATH", "")))
    found = shutil.which("act", path=places)
    if found is None:
        raise FileNotFoundError("no program act; make env brings it")
    return found


def missing() -> str | None:
    """Why act cannot be run here, or None."""
    try:
        program()
    except FileNotFoundError as error:
        return str(error)
    return None
