"""The example workflows of the repository, run as they are, on a gate open and closed."""

import shutil
from datetime import timedelta

import pytest

from tests.act.running import ROOT, Ended, Repository

pytestmark = pytest.mark.xdist_group("act")

HOUR = timedelta(hours=1)
WORKFLOWS = ".github/workflows"


def run(repository: Repository, name: str, **inputs: str) -> Ended:
    """Run an example with all workflows of the repository beside it."""
    shutil.copytree(ROOT / WORKFLOWS, repository.folder / WORKFLOWS, dirs_exist_ok=True)
    given = [f"--input={key.replace('_', '-')}={value}" for key, value in inputs.items()]
    return repository.act(f"{WORKFLOWS}/{name}.yml", "workflow_dispatch", *given)


def deployed(ended: Ended) -> bool:
    return any("here your deploy" in line for line in ended.printed)


def test_a_gated_deploy_goes_out_when_open(repository: Repository) -> None:
    ended = run(repository, "example-deploy-gated", service="bookings")
    assert ended.succeeded, ended.log
    assert deployed(ended)


def test_a_gated_deploy_stays_in_when_closed(repository: Repository) -> None:
    repository.lock(-HOUR, HOUR)
    ended = run(repository, "example-deploy-gated", service="bookings")
    assert not ended.succeeded
    assert ended.code == 3
    assert not deployed(ended)


def test_a_waiting_deploy_goes_out_when_it_opens(repository: Repository) -> None:
    repository.lock(-HOUR, timedelta(seconds=10))
    ended = run(repository, "example-deploy-waiting", wait_timeout="10m")
    assert ended.succeeded, ended.log
    assert deployed(ended)


def test_a_waiting_deploy_stays_in_when_it_takes_too_long(repository: Repository) -> None:
    repository.lock(-HOUR, HOUR)
    ended = run(repository, "example-deploy-waiting", wait_timeout="1s")
    assert not ended.succeeded
    assert not deployed(ended)


@pytest.mark.parametrize(
    ("mode", "closed", "goes"),
    [
        ("fail", False, True),
        ("fail", True, False),
        ("report", True, True),
    ],
)
def test_a_gate_that_others_call_holds_the_jobs_after_it(
    repository: Repository, mode: str, closed: bool, goes: bool
) -> None:
    if closed:
        repository.lock(-HOUR, HOUR)
    ended = run(repository, "example-reusable-gate", mode=mode)
    assert ended.succeeded is goes, ended.log
    assert deployed(ended) is goes
