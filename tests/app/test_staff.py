"""Who works for GitHub at a server, by its environment."""

import pytest

from gate.core.problems import InputError
from gate.github.client import Connection, Token
from gate.service.github import staff
from gate.store.connect import Target
from tests.app.court import Court

SECRET = {"GATE_GITHUB_WEBHOOK_SECRET": "x"}


def test_nobody_without_credentials_and_that_is_said(
    where: Target, capfd: pytest.CaptureFixture[str]
) -> None:
    assert staff.receiver(where, {}) is None
    assert staff.connection({}) is None
    assert capfd.readouterr().err == ""
    assert staff.receiver(where, SECRET) is not None
    assert staff.connection(SECRET) is None
    assert "github-unanswered" in capfd.readouterr().err


def test_credentials_that_are_wrong_are_an_error() -> None:
    with pytest.raises(InputError, match="GATE_GITHUB_APP_KEY"):
        staff.connection({"GATE_GITHUB_APP_ID": "1"})
    with pytest.raises(InputError, match="clear text"):
        staff.connection({"GITHUB_TOKEN": "t", "GITHUB_API_URL": "http://github.example.org"})


def test_a_token_cannot_have_deliveries_repeated(where: Target, court: Court) -> None:
    reached = Connection(Token(token="t"))
    names = [worker.name for worker in staff.workers(where, reached, court)]
    assert names == ["github-protection", "github-changes", "github-checks"]
