"""What GitHub runs is pinned, has few rights; what is there to be copied does not run by itself."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
EXAMPLES = [path for path in WORKFLOWS if path.name.startswith(("example-", "reusable-"))]
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")


def read(path: Path) -> dict[Any, Any]:
    """A workflow; YAML 1.1 reads the key ``on`` as true."""
    found: dict[Any, Any] = yaml.safe_load(path.read_text())
    return found


def names(paths: list[Path]) -> list[str]:
    return [path.name for path in paths]


@pytest.mark.parametrize("path", WORKFLOWS, ids=names(WORKFLOWS))
def test_actions_are_pinned_by_commit_with_their_version_beside(path: Path) -> None:
    used = re.findall(r"uses: (.+)", path.read_text())
    foreign = [each for each in used if not each.startswith("./")]
    assert [each for each in foreign if not PINNED.fullmatch(each)] == []


def test_one_version_of_an_action_everywhere() -> None:
    used = {each for path in WORKFLOWS for each in re.findall(PINNED, path.read_text())}
    assert len({each.partition("@")[0] for each in used}) == len(used)


@pytest.mark.parametrize("path", WORKFLOWS, ids=names(WORKFLOWS))
def test_rights_are_given_job_by_job_and_every_job_ends(path: Path) -> None:
    workflow = read(path)
    assert workflow["permissions"] == {}
    for job in workflow["jobs"].values():
        assert "permissions" in job
        assert "timeout-minutes" in job or "uses" in job


@pytest.mark.parametrize("path", WORKFLOWS, ids=names(WORKFLOWS))
def test_no_text_of_others_becomes_part_of_a_script(path: Path) -> None:
    steps = [each for job in read(path)["jobs"].values() for each in job.get("steps", ())]
    assert [each["run"] for each in steps if "${{" in each.get("run", "")] == []
    for each in steps:
        if each.get("uses", "").startswith("actions/checkout@"):
            assert each["with"]["persist-credentials"] is False


@pytest.mark.parametrize("path", EXAMPLES, ids=names(EXAMPLES))
def test_an_example_runs_only_when_asked_to(path: Path) -> None:
    assert set(read(path)[True]) <= {"workflow_dispatch", "workflow_call"}


def test_the_releases_of_images_and_packages_wait_for_a_reviewer() -> None:
    jobs = read(ROOT / ".github" / "workflows" / "release.yml")["jobs"]
    writing = {
        name
        for name, job in jobs.items()
        if job["permissions"].get("packages") == "write"
        or any("pypi-publish" in step.get("uses", "") for step in job["steps"])
    }
    assert writing == {name for name, job in jobs.items() if job.get("environment") == "release"}
    assert writing <= set(jobs["publish"]["needs"])


def test_the_npm_lock_has_every_hash_and_no_address() -> None:
    lock = json.loads((ROOT / "tests" / "prism" / "npm" / "package-lock.json").read_text())
    packages = {name: each for name, each in lock["packages"].items() if name}
    assert packages
    assert [name for name, each in packages.items() if "integrity" not in each] == []
    assert [name for name, each in packages.items() if "resolved" in each] == []
