"""What the fake remembers of a repository."""

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
ACTIONS_APP = 15368
"""The id of the App behind a workflow's token."""


def stamp(instant: datetime) -> str:
    """An instant as GitHub prints it."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class Pull:
    """A pull request; one of a deleted fork has no head repository."""

    number: int
    sha: str
    base: str = "main"
    draft: bool = False
    state: str = "open"
    head_repo: str | None = "acme/bookings"

    def shown(self) -> dict[str, Any]:
        """As the API lists it."""
        repo = {"full_name": self.head_repo} if self.head_repo else None
        return {
            "number": self.number,
            "state": self.state,
            "draft": self.draft,
            "title": f"Pull {self.number}",
            "created_at": stamp(FIRST + timedelta(hours=self.number)),
            "head": {"sha": self.sha, "ref": f"topic-{self.number}", "repo": repo},
            "base": {"ref": self.base, "sha": "0" * 40},
        }


@dataclass
class Repository:
    """Pull requests, refs, check runs and statuses; every change takes ``lock``."""

    name: str = "acme/bookings"
    default_branch: str = "main"
    pulls: dict[int, Pull] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    runs: list[dict[str, Any]] = field(default_factory=list)
    statuses: list[dict[str, Any]] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)
    _ids: "count[int]" = field(default_factory=lambda: count(1000))

    def pull(self, number: int, sha: str | None = None, **more: Any) -> Pull:
        """Open a pull request."""
        made = Pull(number=number, sha=sha or f"{number:040x}", **more)
        with self.lock:
            self.pulls[number] = made
        return made

    def push(self, number: int, sha: str) -> None:
        """Give a pull request another head."""
        with self.lock:
            self.pulls[number].sha = sha

    def queue(self, number: int, sha: str, base: str = "main") -> str:
        """Put a pull request into the merge queue; the name of its ref."""
        ref = f"refs/heads/gh-readonly-queue/{base}/pr-{number}-{'f' * 40}"
        with self.lock:
            self.refs[ref] = sha
        return ref

    def open_pulls(self, state: str = "open") -> list[dict[str, Any]]:
        """Newest first, as GitHub lists them by default."""
        with self.lock:
            chosen = [p for p in self.pulls.values() if state in {"all", p.state}]
            return [p.shown() for p in sorted(chosen, key=lambda p: -p.number)]

    def matching_refs(self, prefix: str) -> list[dict[str, Any]]:
        """Refs whose names begin so."""
        with self.lock:
            return [
                {"ref": ref, "object": {"type": "commit", "sha": sha}}
                for ref, sha in sorted(self.refs.items())
                if ref.startswith(f"refs/{prefix}")
            ]

    def check_runs(self, sha: str, name: str | None, *, latest: bool) -> list[dict[str, Any]]:
        """The runs of a commit, newest first; ``latest``: one an App and name."""
        with self.lock:
            found = [
                run
                for run in reversed(self.runs)
                if run["head_sha"] == sha and name in {None, run["name"]}
            ]
            if not latest:
                return [dict(run) for run in found]
            newest: dict[tuple[int, str], dict[str, Any]] = {}
            for run in found:
                newest.setdefault((run["app"]["id"], run["name"]), run)
            return [dict(run) for run in newest.values()]

    def add_run(self, body: dict[str, Any], app_id: int = ACTIONS_APP) -> dict[str, Any]:
        """A new check run."""
        with self.lock:
            run = {
                "id": next(self._ids),
                "name": body["name"],
                "head_sha": body["head_sha"],
                "status": body.get("status", "queued"),
                "conclusion": None,
                "external_id": body.get("external_id", ""),
                "output": {"title": None, "summary": None},
                "app": {"id": app_id, "slug": f"app-{app_id}"},
                "writes": 0,
            }
            self.runs.append(run)
            self._take(run, body)
            return dict(run)

    def update_run(self, run_id: int, body: dict[str, Any]) -> dict[str, Any] | None:
        """An update as GitHub does it: a completed run keeps its status and conclusion."""
        with self.lock:
            for run in self.runs:
                if run["id"] == run_id:
                    if run["status"] == "completed":
                        body = {k: v for k, v in body.items() if k not in {"status", "conclusion"}}
                    self._take(run, body)
                    return dict(run)
        return None

    def rerequest(self, sha: str) -> None:
        """A person asks for the newest run again: GitHub makes it queued."""
        with self.lock:
            run = next(run for run in reversed(self.runs) if run["head_sha"] == sha)
            run["status"], run["conclusion"] = "queued", None

    def add_status(self, sha: str, body: dict[str, Any]) -> dict[str, Any]:
        """A new commit status."""
        with self.lock:
            made = {
                "id": next(self._ids),
                "sha": sha,
                "state": body["state"],
                "context": body.get("context", "default"),
                "description": body.get("description"),
            }
            self.statuses.append(made)
            return dict(made)

    def statuses_of(self, sha: str) -> list[dict[str, Any]]:
        """Newest first."""
        with self.lock:
            return [dict(each) for each in reversed(self.statuses) if each["sha"] == sha]

    def newest_run(self, sha: str) -> dict[str, Any] | None:
        """What a person sees on the commit."""
        runs = self.check_runs(sha, "saturday-gate", latest=False)
        return runs[0] if runs else None

    def states(self) -> dict[str, str]:
        """How the gate's newest check run stands, by commit."""
        with self.lock:
            return {run["head_sha"]: run["status"] for run in self.runs}

    def _take(self, run: dict[str, Any], body: dict[str, Any]) -> None:
        run["writes"] += 1
        for name in ("status", "external_id"):
            if name in body:
                run[name] = body[name]
        if "conclusion" in body:
            run["conclusion"], run["status"] = body["conclusion"], "completed"
        run["output"] = {**run["output"], **body.get("output", {})}
