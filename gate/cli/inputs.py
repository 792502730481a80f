"""From the files that a command names to a compiled timeline, or to why there is none."""

import hashlib
import stat
from collections.abc import Sequence
from pathlib import Path

import msgspec

from gate.calendars import combined_sha256, kind_of, read_calendars
from gate.cli import compiled_cache
from gate.core.decide import Facts
from gate.core.decision import CalendarRef, ManualLock, Override, PolicyRef, Reason
from gate.core.document import MAX_POLICY_BYTES, read_policy
from gate.core.policy import Policy
from gate.core.problems import InputError, Problem
from gate.core.timeline import Timeline, compile_timeline

_CHUNK = 1 << 20


class Compiled(msgspec.Struct, frozen=True, kw_only=True):
    """A policy and its calendars, ready to decide."""

    timeline: Timeline
    facts: Facts

    @property
    def policy(self) -> Policy:
        """The policy that was compiled."""
        return self.timeline.policy


class Unreadable(msgspec.Struct, frozen=True, kw_only=True):
    """Why nothing can be decided: what could not be read, and what is known all the same."""

    policy: Policy | None
    refs: tuple[PolicyRef, CalendarRef]
    reasons: tuple[Reason, ...]
    problems: tuple[Problem, ...]


def compile_inputs(
    policy_path: str,
    calendar_paths: Sequence[str],
    locks: Sequence[ManualLock] = (),
    overrides: Sequence[Override] = (),
) -> Compiled:
    """Read and compile; InputError with every problem where a file cannot be read as one."""
    result = read_inputs(policy_path, calendar_paths, locks, overrides)
    if isinstance(result, Unreadable):
        raise InputError(result.problems)
    return result


def read_inputs(
    policy_path: str,
    calendar_paths: Sequence[str],
    locks: Sequence[ManualLock] = (),
    overrides: Sequence[Override] = (),
) -> Compiled | Unreadable:
    """Read and compile, from the cache where these very bytes were compiled before.

    Where the policy cannot be read, calendars are not judged.
    """
    digests = _calendar_digests(calendar_paths)
    calendar_sha256 = combined_sha256(digest for _, digest in digests) if digests else None
    policy_sha256: str | None = None
    try:
        data = _policy_bytes(policy_path)
        policy_sha256 = _sha256(policy_path) or hashlib.sha256(data).hexdigest()
        name = compiled_cache.key(policy_sha256, digests) if digests else None
        entry = compiled_cache.load(name) if name else None
        policy = entry.policy if entry else read_policy(data, policy_path)
    except InputError as error:
        return _unreadable(None, policy_sha256, calendar_sha256, error)
    if entry is None:
        try:
            loaded = read_calendars(calendar_paths, policy.load)
        except InputError as error:
            return _unreadable(policy, policy_sha256, calendar_sha256, error)
        entry = compiled_cache.Entry(
            policy=policy, calendar=loaded.calendar, calendar_sha256=loaded.sha256
        )
        # A file that changed while it was read must not be kept under its earlier digest.
        if name and loaded.sha256 == calendar_sha256 and policy.sha256 == policy_sha256:
            compiled_cache.save(name, entry)
    weddings = entry.calendar.weddings
    return Compiled(
        timeline=compile_timeline(policy, entry.calendar, locks),
        facts=Facts(
            calendar=CalendarRef(sha256=entry.calendar_sha256, weddings=weddings),
            overrides=tuple(overrides),
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


def _policy_bytes(path: str) -> bytes:
    """The document, or one byte more than the limit of it, which the reader refuses."""
    try:
        with Path(path).open("rb") as stream:
            return stream.read(MAX_POLICY_BYTES + 1)
    except OSError as error:
        raise InputError.of(f"cannot be read: {error.strerror}", file=path) from None


def _calendar_digests(paths: Sequence[str]) -> list[tuple[str, str]] | None:
    """(kind, sha256) of each file; None where one can only be read once, or not at all."""
    result = []
    for path in paths:
        digest = _sha256(path)
        if digest is None:
            return None
        with Path(path).open("rb") as stream:
            result.append((kind_of(path, stream.read(_CHUNK)), digest))
    return result


def _sha256(path: str) -> str | None:
    """The digest of a regular file; None for what is none or cannot be read."""
    try:
        if not stat.S_ISREG(Path(path).stat().st_mode):
            return None
        with Path(path).open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return None
