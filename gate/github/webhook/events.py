"""The events that the gate acts on, as values; of each payload only what is acted on is read.

All other events and actions are None: GitHub may send more than the gate has asked for.
"""

import re
from collections.abc import Callable
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from gate.core.policy import Invoker
from gate.core.problems import InputError

CHECK = "saturday-gate"
"""The check run that is asked for again; others are their makers' business."""
_MOST = (1 << 63) - 1
_NAME = r"\A(?!\.{1,2}/)[A-Za-z0-9_.-]{1,100}/(?!\.{1,2}\Z)[A-Za-z0-9_.-]{1,100}\Z"
FullName = Annotated[str, Meta(pattern=_NAME)]
Sha = Annotated[str, Meta(pattern=r"\A(?:[0-9a-f]{40}|[0-9a-f]{64})\Z")]
Number = Annotated[int, Meta(ge=1, le=_MOST)]
# Without what no database or log line takes.
Environment = Annotated[str, Meta(pattern=r"\A[^\x00-\x1f\x7f-\x9f\ud800-\udfff]{1,255}\Z")]
Login = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9_.\[\]-]{1,100}\Z")]
_RUN = re.compile(
    r"/repos/(?P<repository>[^/]+/[^/]+)/actions/runs/(?P<run>[1-9][0-9]{0,17})"
    r"/deployment_protection_rule/?\Z"
)
T = TypeVar("T")


class Ping(msgspec.Struct, frozen=True, kw_only=True):
    """GitHub tries the webhook; ``events`` are those it will send, None where it does not say."""

    events: tuple[str, ...] | None


class ProtectionRequested(msgspec.Struct, frozen=True, kw_only=True):
    """A job waits to deploy to an environment, until it is approved or rejected.

    ``actor`` is who set it off, for the record. ``invoker`` is a human where GitHub says that a
    person started the workflow by hand; nothing that a branch or a pull request says can claim it.
    """

    action: str
    repository: str
    repository_id: int
    run_id: int
    environment: str
    deployment_id: int | None
    actor: str | None
    invoker: Invoker


class HeadsChanged(msgspec.Struct, frozen=True, kw_only=True):
    """Checks of a repository may not stand as decided: look now.

    ``sha`` is the head concerned; None where it is the repository as a whole.
    """

    action: str
    repository: str
    sha: str | None


Event = Ping | ProtectionRequested | HeadsChanged


def read_event(name: str, payload: bytes) -> Event | None:
    """The event in a payload, None where the gate does not act on it.

    Raises `InputError` for what is no JSON, or lacks what the event must have.
    """
    read = _EVENTS.get(name)
    return None if read is None else read(payload)


class _Action(msgspec.Struct, frozen=True, kw_only=True):
    action: str


class _Repository(msgspec.Struct, frozen=True, kw_only=True):
    id: Number
    full_name: FullName


class _Account(msgspec.Struct, frozen=True, kw_only=True):
    login: Login
    type: str


class _Deployment(msgspec.Struct, frozen=True, kw_only=True):
    id: Number


class _Requested(msgspec.Struct, frozen=True, kw_only=True):
    action: str
    environment: Environment
    deployment_callback_url: str
    repository: _Repository
    sender: _Account | None = None
    event: str | None = None
    deployment: _Deployment | None = None


class _Hook(msgspec.Struct, frozen=True, kw_only=True):
    events: tuple[str, ...] | None = None


class _Pinged(msgspec.Struct, frozen=True, kw_only=True):
    hook: _Hook | None = None


class _Head(msgspec.Struct, frozen=True, kw_only=True):
    sha: Sha


class _Pull(msgspec.Struct, frozen=True, kw_only=True):
    head: _Head


class _Pulled(msgspec.Struct, frozen=True, kw_only=True):
    repository: _Repository
    pull_request: _Pull
    changes: dict[str, Any] | None = None


class _Group(msgspec.Struct, frozen=True, kw_only=True):
    head_sha: Sha


class _Grouped(msgspec.Struct, frozen=True, kw_only=True):
    repository: _Repository
    merge_group: _Group


class _Run(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    head_sha: Sha


class _Rerequested(msgspec.Struct, frozen=True, kw_only=True):
    repository: _Repository
    check_run: _Run


def _ping(payload: bytes) -> Ping:
    pinged = _decoded(payload, _Pinged)
    return Ping(events=pinged.hook.events if pinged.hook else None)


def _protection(payload: bytes) -> ProtectionRequested | None:
    if _decoded(payload, _Action).action != "requested":
        return None
    asked = _decoded(payload, _Requested)
    sender = asked.sender
    by_person = (
        asked.event == "workflow_dispatch"
        and sender is not None
        and sender.type == "User"
        and not sender.login.lower().endswith("[bot]")
    )
    return ProtectionRequested(
        action=asked.action,
        repository=asked.repository.full_name,
        repository_id=asked.repository.id,
        run_id=_run_id(asked.deployment_callback_url, asked.repository.full_name),
        environment=asked.environment,
        deployment_id=asked.deployment.id if asked.deployment else None,
        actor=sender.login if sender else None,
        invoker="human" if by_person else "automation",
    )


def _run_id(callback_url: str, repository: str) -> int:
    """The run in the callback's path. The address itself is never used: where to answer is ours."""
    try:
        found = _RUN.search(urlsplit(callback_url).path)
    except ValueError:
        found = None
    if found is None or found["repository"].casefold() != repository.casefold():
        raise InputError.of(
            f"this names no run of {repository} that waits for a protection rule",
            field="$.deployment_callback_url",
        )
    return int(found["run"])


def _pull_request(payload: bytes) -> HeadsChanged | None:
    action = _decoded(payload, _Action).action
    if action not in {"opened", "reopened", "synchronize", "edited"}:
        return None
    pulled = _decoded(payload, _Pulled)
    if action == "edited" and "base" not in (pulled.changes or {}):
        return None
    return HeadsChanged(
        action=action, repository=pulled.repository.full_name, sha=pulled.pull_request.head.sha
    )


def _merge_group(payload: bytes) -> HeadsChanged | None:
    action = _decoded(payload, _Action).action
    if action not in {"checks_requested", "destroyed"}:
        return None
    grouped = _decoded(payload, _Grouped)
    # A group that is gone has no head to write on.
    sha = grouped.merge_group.head_sha if action == "checks_requested" else None
    return HeadsChanged(action=action, repository=grouped.repository.full_name, sha=sha)


def _check_run(payload: bytes) -> HeadsChanged | None:
    action = _decoded(payload, _Action).action
    if action != "rerequested":
        return None
    again = _decoded(payload, _Rerequested)
    if again.check_run.name != CHECK:
        return None
    return HeadsChanged(
        action=action, repository=again.repository.full_name, sha=again.check_run.head_sha
    )


_EVENTS: dict[str, Callable[[bytes], Event | None]] = {
    "ping": _ping,
    "deployment_protection_rule": _protection,
    "pull_request": _pull_request,
    "merge_group": _merge_group,
    "check_run": _check_run,
}


def _decoded(payload: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(payload, type=kind)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at ")
        if "matching regex" in what:
            what = "this is not of the form that GitHub gives it"
        raise InputError.of(what, field=where.strip("`") or "$") from None
    except (msgspec.DecodeError, UnicodeError) as error:
        raise InputError.of(f"this is no JSON: {error}", field="$") from None
    except RecursionError:
        raise InputError.of("this is nested too deeply", field="$") from None
