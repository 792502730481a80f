"""Answers to a waiting deployment, as requests to GitHub.

``POST /repos/OWNER/NAME/actions/runs/RUN/deployment_protection_rule`` approves or rejects, or adds
a status comment where no state is given. The path is built here; an address that a delivery names
is never asked.
"""

from enum import StrEnum
from typing import Literal

import msgspec

from gate.github.calls import Answer, Caller

MOST_COMMENTS = 10
"""GitHub takes no more status comments on one deployment."""
State = Literal["approved", "rejected"]


class Outcome(StrEnum):
    """What became of an answer."""

    DONE = "done"
    NOT_WAITING = "not-waiting"
    MISSING = "missing"
    REFUSED = "refused"


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """``message``: GitHub's words where it was not done.

    ``NOT_WAITING``: the run is there and this environment does not wait for anything any more.
    ``MISSING``: GitHub shows no such run. ``REFUSED``: it still waits, but this was not taken.
    """

    outcome: Outcome
    message: str = ""


def send(
    caller: Caller, run_id: int, environment: str, *, state: State | None, comment: str
) -> Sent:
    """Answer; what is refused is looked into. Raises `gate.github.calls.Unclear`, `Stopped`."""
    base = f"/repos/{caller.repository}/actions/runs/{run_id}"
    body = {"environment_name": environment, "comment": comment}
    if state is not None:
        body["state"] = state
    answer = caller.write("POST", f"{base}/deployment_protection_rule", body)
    if answer.ok:
        return Sent(outcome=Outcome.DONE)
    if answer.status not in {404, 409, 410, 422}:
        return Sent(outcome=Outcome.REFUSED, message=answer.message)
    pending = caller.get(f"{base}/pending_deployments")
    if pending.status in {404, 410}:
        return Sent(outcome=Outcome.MISSING, message=answer.message)
    if pending.ok and not _waits(pending, environment):
        return Sent(outcome=Outcome.NOT_WAITING, message=answer.message)
    return Sent(outcome=Outcome.REFUSED, message=answer.message)


def _waits(pending: Answer, environment: str) -> bool:
    """Whether the environment is among those that wait; their names differ not by case alone."""
    names = {
        str((each.get("environment") or {}).get("name", "")).casefold()
        for each in pending.data or ()
        if isinstance(each, dict)
    }
    return environment.casefold() in names
