"""Deployments in the fake of GitHub: runs whose environments wait for a protection rule."""

from dataclasses import dataclass, field
from typing import Any

from tests.github.fake import FakeGitHub
from tests.github.fake.server import Asked, Reply

RUN = r"/repos/(?P<repo>[^/]+/[^/]+)/actions/runs/(?P<run>[0-9]+)"


@dataclass
class Run:
    """The environments of a run that wait, and what was said of each."""

    waiting: set[str] = field(default_factory=set)
    comments: list[str] = field(default_factory=list)
    reviews: list[tuple[str, str, str]] = field(default_factory=list)

    @property
    def states(self) -> list[tuple[str, str]]:
        """Environment and state of each review."""
        return [(environment, state) for environment, state, _ in self.reviews]


class Deployments:
    """By GitHub's documentation: ten comments of 1 024 characters, one review, 422 after that."""

    def __init__(self, fake: FakeGitHub) -> None:
        self.runs: dict[int, Run] = {}
        self._lock = fake.lock
        fake.route("POST", f"{RUN}/deployment_protection_rule", self._review)
        fake.route("GET", f"{RUN}/pending_deployments", self._pending)

    def ask(self, run: int, environment: str = "production") -> Run:
        """A job of a run begins to wait."""
        found = self.runs.setdefault(run, Run())
        found.waiting.add(environment)
        return found

    def _review(self, asked: Asked) -> Reply:
        body: dict[str, Any] = asked.body
        environment, state = body["environment_name"], body.get("state")
        comment = body.get("comment", "")
        with self._lock:
            run = self.runs.get(int(asked.match["run"]))
            if run is None:
                return Reply(404, {"message": "Not Found"})
            if environment not in run.waiting:
                return Reply(422, {"message": "No pending deployment requests"})
            if len(comment) > 1024 or (state is None and len(run.comments) >= 10):
                return Reply(422, {"message": "Validation Failed"})
            if state is None:
                run.comments.append(comment)
            else:
                run.reviews.append((environment, state, comment))
                run.waiting.discard(environment)
        return Reply(204)

    def _pending(self, asked: Asked) -> Reply:
        run = self.runs.get(int(asked.match["run"]))
        if run is None:
            return Reply(404, {"message": "Not Found"})
        return Reply(200, [{"environment": {"name": name}} for name in sorted(run.waiting)])
