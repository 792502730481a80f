"""Prism refuses what GitHub would not know; without that the other tests would prove little."""

import json
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tests.github.fake import FakeGitHub
from tests.github.fake.server import TOKEN, Asked, Reply
from tests.prism.completing import Completing
from tests.prism.description import cut
from tests.prism.tap import Tap, tapped

BASE = "/repos/acme/bookings"


def ask(tap: Tap, verb: str, path: str, body: object = None) -> int:
    """The status of the answer."""
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    request = Request(f"{tap.url}{path}", data, headers, method=verb)
    try:
        with urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except HTTPError as error:
        error.close()
        return error.code


@pytest.mark.parametrize(
    ("verb", "path", "body", "words"),
    [
        ("POST", f"{BASE}/check-runs", {"name": "gate"}, "head_sha"),
        ("POST", f"{BASE}/statuses/{'a' * 40}", {"state": "green"}, "state"),
        ("GET", f"{BASE}/pulls?state=mine", None, "state"),
        ("GET", f"{BASE}/weddings", None, "weddings"),
        ("PATCH", f"{BASE}/check-runs/1", {"status": "completed"}, "conclusion"),
    ],
    ids=["field missing", "value unknown", "query", "path unknown", "fields at odds"],
)
def test_a_request_that_is_not_described_does_not_pass(
    prism_port: int, fake: FakeGitHub, verb: str, path: str, body: object, words: str
) -> None:
    with tapped(prism_port) as tap:
        assert ask(tap, verb, path, body) in {404, 422}
    assert words in tap.violations[0]
    assert fake.repository.runs == fake.repository.statuses == []


@pytest.mark.parametrize(
    "answer",
    [
        Reply(200, {"id": "many", "default_branch": "main"}),
        Reply(200, []),
        Reply(299, {}),
    ],
    ids=["type", "no object", "status"],
)
def test_an_answer_that_is_not_described_does_not_pass(
    prism_port: int, fake: FakeGitHub, answer: Reply
) -> None:
    fake.route("GET", BASE, lambda _: answer)
    with tapped(prism_port) as tap:
        assert ask(tap, "GET", BASE) == 500
    assert tap.violations


def test_a_field_that_github_does_not_have_is_noticed(
    prism_port: int, upstream: Completing, fake: FakeGitHub
) -> None:
    def answer(_: Asked) -> Reply:
        return Reply(200, {"default_branch": "main", "bride": "A.", "owner": {"groom": "B."}})

    fake.route("GET", BASE, answer)
    with tapped(prism_port) as tap:
        assert ask(tap, "GET", BASE) == 200
    assert upstream.unknown == {"GET 200.bride", "GET 200.owner.groom"}


def test_only_what_is_used_is_described() -> None:
    document = cut(["/repos/{owner}/{repo}/git/matching-refs/{ref}"])
    assert [path.count("{") for path in document["paths"]] == [3, 4, 5, 6]
    assert set(document["components"]["schemas"]) == {"git-ref", "basic-error"}
    with pytest.raises(KeyError):
        cut(["/weddings"])
