"""Deliveries as GitHub makes them, cut to what the gate reads and a little more."""

import json
from typing import Any
from uuid import UUID, uuid4

from gate.github.webhook.signature import Secrets

SHA = "0123456789abcdef0123456789abcdef01234567"
REPOSITORY = {"id": 186853002, "name": "bookings", "full_name": "acme/bookings", "private": False}
PERSON = {"login": "asha", "id": 21, "type": "User"}
BOT = {"login": "github-actions[bot]", "id": 41898282, "type": "Bot"}


def requested(run: int = 12, *, deployment: int | None = None, **said: Any) -> dict[str, Any]:
    """A deployment to production waits."""
    callback = f"https://api.github.com/repos/acme/bookings/actions/runs/{run}"
    return {
        "action": "requested",
        "environment": "production",
        "event": "push",
        "deployment_callback_url": f"{callback}/deployment_protection_rule",
        "deployment": {"id": deployment or 9000 + run, "ref": "main", "sha": SHA, "creator": BOT},
        "pull_requests": [],
        "repository": REPOSITORY,
        "installation": {"id": 7000},
        "sender": PERSON,
        **said,
    }


def pull_request(action: str = "synchronize", **said: Any) -> dict[str, Any]:
    """Something happened to pull request 7."""
    pull = {"number": 7, "head": {"sha": SHA, "ref": "x"}, "base": {"ref": "main"}}
    return {"action": action, "pull_request": pull, "repository": REPOSITORY, **said}


def merge_group(action: str = "checks_requested", **said: Any) -> dict[str, Any]:
    """An entry of the merge queue."""
    group = {"head_sha": SHA, "head_ref": "refs/heads/gh-readonly-queue/main/pr-7-x"}
    return {"action": action, "merge_group": group, "repository": REPOSITORY, **said}


def check_run(action: str = "rerequested", name: str = "saturday-gate") -> dict[str, Any]:
    """Somebody asks for a check again."""
    run = {"id": 4, "name": name, "head_sha": SHA, "status": "completed"}
    return {"action": action, "check_run": run, "repository": REPOSITORY}


def delivery(
    event: str,
    content: Any,
    secrets: Secrets,
    *,
    guid: UUID | None = None,
    media_type: str = "application/json",
) -> tuple[dict[str, str], bytes]:
    """Headers and body."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return {
        "Content-Type": media_type,
        "User-Agent": "GitHub-Hookshot/044aadd",
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": str(guid or uuid4()),
        "X-Hub-Signature-256": secrets.sign(body),
    }, body
