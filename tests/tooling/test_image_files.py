"""What the images are built from, and what action.yml promises, agree with the rest of the tree."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from gate.core.policy import Action
from gate.github.action.settings import CALENDAR, POLICY, WAIT_TIMEOUT, Audit, Mode

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / "requirements"
OUTPUTS = [
    *("verdict", "effect", "phase", "level", "next-change", "locked-until"),
    *("decision-id", "recorded", "reasons"),
]
DEFAULTS = {
    "policy": POLICY,
    "calendar": CALENDAR,
    "environment": "",
    "namespace": "",
    "service": "",
    "action": Action.DEPLOY,
    "mode": Mode.FAIL,
    "wait-timeout": WAIT_TIMEOUT,
    "server": "",
    "dsn": "",
    "audit": Audit.AUTO,
    "github-token": "",
}


def entries(name: str) -> dict[str, str]:
    """Each library of a list with its version, marker and hashes."""
    text = (REQUIREMENTS / name).read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return {line.partition("==")[0]: re.sub(r"\s+", " ", line) for line in lines}


def hashes(entry: str) -> set[str]:
    return set(re.findall(r"--hash=(\S+)", entry))


@pytest.mark.parametrize("name", ["action.txt", "build.txt", "service.txt"])
def test_images_install_what_the_lock_has(name: str) -> None:
    lock = entries("lock.txt")
    for library, entry in entries(name).items():
        version = entry.split()[0]
        assert lock[library].split()[0] == version, f"{name}: make lock KEEP=1"
        assert hashes(entry)
        assert hashes(entry) <= hashes(lock[library])


def test_the_action_has_every_library_that_is_always_needed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = {re.split(r"[\[<>=!~; ]", each, maxsplit=1)[0] for each in project["dependencies"]}
    assert asked <= entries("action.txt").keys(), "make lock KEEP=1"


def test_action_yml_has_the_inputs_that_are_read_and_their_defaults() -> None:
    document: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text())
    assert {name: each["default"] for name, each in document["inputs"].items()} == DEFAULTS
    assert list(document["outputs"]) == OUTPUTS
    assert document["runs"] == {"using": "docker", "image": "Dockerfile"}
    told = [*document["inputs"].values(), *document["outputs"].values()]
    assert all(each["description"].endswith((".", ";")) for each in told)


def test_the_last_stage_is_the_action() -> None:
    stages = re.findall(r"^FROM .* AS (\S+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert stages[-1] == "action"
    assert "service" in stages


def test_a_build_sees_nothing_but_what_it_copies() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert ignored[1] == "*"
    copied = " ".join(re.findall(r"^COPY (?!--from)(.*)$", (ROOT / "Dockerfile").read_text(), re.M))
    let_in = [line.removeprefix("!") for line in ignored if line.startswith("!")]
    assert all(name in copied.split() for name in let_in)
