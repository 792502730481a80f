"""Read a policy and its calendars and compile them, or say why they cannot be read."""

import hashlib
import os
import stat
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from gate.calendars import compile_sources, joined_sha256, read_sources
from gate.core.decide import Facts, decide, undecided
from gate.core.decision import (
    CalendarRef,
    Decision,
    ManualLock,
    Override,
    PolicyRef,
    Reason,
    Request,
)
from gate.core.document import MAX_POLICY_BYTES, read_policy
from gate.core.learnt import LearntRow, factors_of
from gate.core.policy import Policy
from gate.core.problems import InputError, Problem
from gate.core.timeline import Timeline, compile_timeline
from gate.inputs import compiled_cache
from gate.inputs.learnt import with_learnt


class Compiled(msgspec.Struct, frozen=True, kw_only=True):
    """A policy and its calendars, ready to decide."""

    timeline: Timeline
    facts: Facts

    @property
    def policy(self) -> Policy:
        """The policy that was compiled."""
        return self.timeline.policy

    @property
    def refs(self) -> tuple[PolicyRef, CalendarRef]:
        """Which policy and calendar a decision names."""
        policy = self.policy
        return PolicyRef(name=policy.name, sha256=policy.sha256), self.facts.calendar

    def decide(
        self,
        request: Request,
        at: datetime,
        *,
        id: str = "",  # noqa: A002  (the contract's name)
        recorded: bool = False,
    ) -> Decision:
        """What the policy says at an instant; ``id`` and ``recorded`` are the door's."""
        return decide(self.timeline, self.facts, request, at, id=id, recorded=recorded)


class Unreadable(msgspec.Struct, frozen=True, kw_only=True):
    """Why nothing can be decided: what could not be read, and what is known all the same."""

    policy: Policy | None
    refs: tuple[PolicyRef, CalendarRef]
    reasons: tuple[Reason, ...]
    problems: tuple[Problem, ...]

    def decide(
        self,
        request: Request,
        at: datetime,
        *,
        id: str = "",  # noqa: A002  (the contract's name)
        recorded: bool = False,
    ) -> Decision:
        """Undecided, with the reasons; ``id`` and ``recorded`` are the door's."""
        return undecided(
            self.policy, self.refs, request, at, self.reasons, id=id, recorded=recorded
        )


def compile_inputs(
    policy_path: str,
    calendar_paths: Sequence[str],
    locks: Sequence[ManualLock] = (),
    overrides: Sequence[Override] = (),
    learnt: Sequence[LearntRow] = (),
) -> Compiled:
    """Read and compile; InputError with every problem where a file cannot be read as one."""
    result = read_inputs(policy_path, calendar_paths, locks, overrides, learnt)
    if isinstance(result, Unreadable):
        raise InputError(result.problems)
    return result


def read_inputs(
    policy_path: str,
    calendar_paths: Sequence[str],
    locks: Sequence[ManualLock] = (),
    overrides: Sequence[Override] = (),
    learnt: Sequence[LearntRow] = (),
) -> Compiled | Unreadable:
    """Read and compile, from the cache where these very bytes were compiled before.

    Where the policy cannot be read, calendars are not judged. ``learnt`` is what the database holds
    of the cultures; it counts where the policy says so.
    """
    sources, unread = read_sources(calendar_paths)
    calendar_sha256 = None if unread else joined_sha256([source.sha256 for source in sources])
    policy_sha256: str | None = None
    entry, name = None, None
    try:
        data, policy_sha256 = _policy_bytes(policy_path)
        if policy_sha256 and not unread:
            kinds = [(source.kind, source.sha256) for source in sources]
            name = compiled_cache.key(policy_sha256, kinds)
            entry = compiled_cache.load(name)
        policy = entry.policy if entry else read_policy(data, policy_path)
    except InputError as error:
        return _unreadable(None, policy_sha256, calendar_sha256, error)
    if entry is None:
        try:
            loaded = compile_sources(sources, policy.load, unread)
        except InputError as error:
            return _unreadable(policy, policy_sha256, calendar_sha256, error)
        entry = compiled_cache.Entry(
            policy=policy, calendar=loaded.calendar, calendar_sha256=loaded.sha256
        )
        if name:
            compiled_cache.save(name, entry)
    calendar, factors = entry.calendar, factors_of(learnt, policy)
    if factors:
        calendar = with_learnt(policy, calendar, sources, factors)
    return Compiled(
        timeline=compile_timeline(policy, calendar, locks),
        facts=Facts(
            calendar=CalendarRef(sha256=entry.calendar_sha256, weddings=calendar.weddings),
            overrides=tuple(overrides),
            learnt=factors,
        ),
    )


def _unreadable(
    policy: Policy | None,
    policy_sha256: str | None,
    calendar_sha256: str | None,
    error: InputError,
) -> Unreadable:
    count = len(error.problems)
    more = f" (and {count - 1} more)" if count > 1 else ""
    what = "calendar" if policy else "policy"
    return Unreadable(
        policy=policy,
        refs=(
            PolicyRef(name=policy.name if policy else None, sha256=policy_sha256),
            CalendarRef(sha256=calendar_sha256, weddings=None),
        ),
        reasons=(
            Reason(
                code="calendar-invalid" if policy else "policy-invalid",
                message=f"the {what} cannot be read: {error.problems[0]}{more}",
            ),
        ),
        problems=error.problems,
    )


def _policy_bytes(path: str) -> tuple[bytes, str | None]:
    """The document and its digest.

    Of a file beyond the limit one byte more than that is read, which the reader refuses; its digest
    is that of the whole file, or None where it has no end.
    """
    try:
        with Path(path).open("rb") as stream:
            data = stream.read(MAX_POLICY_BYTES + 1)
            if len(data) <= MAX_POLICY_BYTES:
                return data, hashlib.sha256(data).hexdigest()
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                return data, None
            stream.seek(0)
            return data, hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise InputError.of(f"cannot be read: {error.strerror}", file=path) from None
