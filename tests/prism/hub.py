"""Routes that the Action and the App ask for beside the checks: reviews, comments, a user."""

from dataclasses import dataclass, field
from typing import Any

from tests.github.fake import FakeGitHub
from tests.github.fake.server import Asked, Reply

BASE = "/repos/acme/bookings"
RUN = 12
PULL = 7
INSTANT = "2026-06-13T12:00:00Z"


@dataclass
class Hub:
    """Who has approved run 12, and the comments on pull request 7; ``login``: whose token it is."""

    reviews: list[dict[str, Any]] = field(default_factory=list)
    comments: list[dict[str, Any]] = field(default_factory=list)
    login: str | None = None

    def join(self, fake: FakeGitHub) -> None:
        """Answer in the fake."""
        comments = f"{BASE}/issues/{PULL}/comments"
        fake.route(
            "GET", f"{BASE}/actions/runs/{RUN}/approvals", lambda _: Reply(200, self.reviews)
        )
        fake.route("GET", comments, lambda _: Reply(200, self.comments, paged=True))
        fake.route("POST", comments, self._add)
        fake.route("PATCH", rf"{BASE}/issues/comments/(?P<number>\d+)", self._change)
        fake.route("GET", "/user", self._user)

    def review(self, login: str, environment: str) -> None:
        """Somebody approves the run's deployment."""
        named = {"name": environment, "created_at": INSTANT, "updated_at": INSTANT}
        user = _user_of(login, "User")
        self.reviews.append(
            {"state": "approved", "comment": "go", "user": user, "environments": [named]}
        )

    def say(self, body: str, login: str, kind: str) -> None:
        """Somebody writes a comment."""
        number = len(self.comments) + 1
        user = _user_of(login, kind)
        self.comments.append(
            {"id": number, "body": body, "user": user, "created_at": INSTANT, "updated_at": INSTANT}
        )

    def _add(self, asked: Asked) -> Reply:
        self.say(asked.body["body"], "github-actions[bot]", "Bot")
        return Reply(201, self.comments[-1])

    def _change(self, asked: Asked) -> Reply:
        number = int(asked.match["number"])
        comment = next(each for each in self.comments if each["id"] == number)
        comment["body"] = asked.body["body"]
        return Reply(200, comment)

    def _user(self, _: Asked) -> Reply:
        if self.login is None:
            return Reply(403, {"message": "Resource not accessible by integration"})
        return Reply(200, _user_of(self.login, "User"))


def _user_of(login: str, kind: str) -> dict[str, Any]:
    return {"login": login, "id": 1, "type": kind}
