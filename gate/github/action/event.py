"""Which run this is: repository, event, who started it, and the pull request behind it.

What a stranger can choose (branch names, titles, the actor of a fork's pull request) is for the
record and for display; nothing of it raises rights. The event's name and the run's number come from
GitHub itself: a workflow cannot set variables of the names ``GITHUB_…``.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from gate.core.policy import Invoker
from gate.github.names import is_person

_PULL_REQUEST_EVENTS = ("pull_request", "pull_request_target")


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """A run of a workflow; None for what is not known.

    ``actor`` is who started this attempt. ``pull_request`` is the number of one that comes from the
    same repository, on an event of pull requests.
    """

    event: str | None
    repository: str | None
    actor: str | None
    run_id: int | None
    by_person: bool
    pull_request: int | None

    @property
    def invoker(self) -> Invoker:
        """As far as the event says; an approval by a person may raise it."""
        return "human" if self.event == "workflow_dispatch" and self.by_person else "automation"


def read_run(environ: Mapping[str, str], payload: bytes) -> Run:
    """The run that the environment and the event's payload describe.

    A payload that cannot be read says nothing, and so raises no right.
    """
    repository = _text(environ, "GITHUB_REPOSITORY")
    actor = _text(environ, "GITHUB_TRIGGERING_ACTOR") or _text(environ, "GITHUB_ACTOR")
    event = _text(environ, "GITHUB_EVENT_NAME")
    run_id = _text(environ, "GITHUB_RUN_ID")
    content = _read(payload)
    return Run(
        event=event,
        repository=repository,
        actor=actor,
        run_id=int(run_id) if run_id and run_id.isascii() and run_id.isdigit() else None,
        by_person=is_person(actor, _at(content, "sender", "type")),
        pull_request=_own_pull_request(content, event, repository),
    )


def _own_pull_request(
    content: dict[str, Any], event: str | None, repository: str | None
) -> int | None:
    if event not in _PULL_REQUEST_EVENTS or repository is None:
        return None
    sides = (_at(content, "pull_request", side, "repo", "full_name") for side in ("head", "base"))
    number = _at(content, "pull_request", "number")
    own = all(isinstance(s, str) and s.lower() == repository.lower() for s in sides)
    return number if own and type(number) is int and number > 0 else None


def _at(content: object, *path: str) -> object:
    for key in path:
        content = content.get(key) if isinstance(content, dict) else None
    return content


def _read(payload: bytes) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(payload)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _text(environ: Mapping[str, str], name: str) -> str | None:
    value = environ.get(name, "").strip()
    if any("\ud800" <= character <= "\udfff" for character in value):
        return None
    return value or None
