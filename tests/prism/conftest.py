"""One Prism a session, between the code under test and a fake that each test has for itself."""

from collections.abc import Iterator

import pytest

from gate.github.client import Connection, Token
from tests.github.fake import FakeGitHub
from tests.github.fake.server import TOKEN
from tests.prism import proxy
from tests.prism.completing import Completing
from tests.prism.description import cut
from tests.prism.tap import Tap, tapped

REPOSITORY = "/repos/{owner}/{repo}"
USED = (
    REPOSITORY,
    f"{REPOSITORY}/actions/runs/{{run_id}}/approvals",
    f"{REPOSITORY}/actions/runs/{{run_id}}/deployment_protection_rule",
    f"{REPOSITORY}/actions/runs/{{run_id}}/pending_deployments",
    f"{REPOSITORY}/check-runs",
    f"{REPOSITORY}/check-runs/{{check_run_id}}",
    f"{REPOSITORY}/commits/{{ref}}/check-runs",
    f"{REPOSITORY}/commits/{{ref}}/status",
    f"{REPOSITORY}/commits/{{ref}}/statuses",
    f"{REPOSITORY}/git/matching-refs/{{ref}}",
    f"{REPOSITORY}/installation",
    f"{REPOSITORY}/issues/{{issue_number}}/comments",
    f"{REPOSITORY}/issues/comments/{{comment_id}}",
    f"{REPOSITORY}/pulls",
    f"{REPOSITORY}/statuses/{{sha}}",
    "/app",
    "/app/installations/{installation_id}/access_tokens",
    "/user",
)
"""What may be asked for: anything else has no path in Prism, and fails."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep these tests in one process: Prism takes seconds to start."""
    for item in items:
        if item.path.parent.name == "prism":
            item.add_marker(pytest.mark.xdist_group("prism"))


@pytest.fixture(scope="session")
def upstream() -> Iterator[Completing]:
    with Completing(cut(USED)) as server:
        yield server


@pytest.fixture(scope="session")
def prism_port(upstream: Completing, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder = tmp_path_factory.mktemp("prism")
    with proxy.started(folder, upstream.document, upstream.url) as port:
        yield port


@pytest.fixture
def fake(upstream: Completing) -> FakeGitHub:
    return upstream.fresh()


@pytest.fixture
def tap(prism_port: int, upstream: Completing, fake: FakeGitHub) -> Iterator[Tap]:
    with tapped(prism_port) as made:
        yield made
    assert made.exchanges, "nothing was asked for"
    assert made.violations == []
    assert upstream.unknown == set(), "the fake says what GitHub does not"


@pytest.fixture
def connection(tap: Tap) -> Iterator[Connection]:
    made = Connection(Token(token=TOKEN), tap.url, timeout_seconds=10)
    yield made
    made.close()
