"""Where policy, calendars, locks and overrides come from: files that are named, or the database."""

from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from gate.core.decision import CalendarRef, ManualLock, Override, PolicyRef, Reason
from gate.core.learnt import LearntRow
from gate.core.problems import InputError, Problem
from gate.inputs import Compiled, Unreadable, read_inputs
from gate.service.feed import Inputs
from gate.service.stamps import Stamps, stamps


class Sources(msgspec.Struct, frozen=True, kw_only=True):
    """Where the inputs come from; a policy of None is one that nobody has given yet.

    ``calendar_sha256`` names a calendar that was written from the database; else its files do.
    """

    policy: str | None
    calendars: tuple[str, ...]
    calendar_sha256: str | None = None
    locks: tuple[ManualLock, ...] = ()
    overrides: tuple[Override, ...] = ()
    learnt: tuple[LearntRow, ...] = ()

    @classmethod
    def of(cls, policy: str | None, calendars: Sequence[str], told: Inputs) -> "Sources":
        """The files that are named, else those that the database's were written to."""
        written = None if calendars else told.calendar_path
        return cls(
            policy=policy or told.policy_path,
            calendars=(written,) if written else tuple(calendars),
            calendar_sha256=told.calendar_sha256 if written else None,
            locks=told.locks,
            overrides=told.overrides,
            learnt=told.learnt,
        )

    @property
    def missing(self) -> str | None:
        """What there is not, in words; None where policy and calendar are there."""
        if self.policy is None:
            return "no policy was given, and none is in force in the database"
        if not self.calendars:
            return "no calendar was given, and none was imported into the database"
        return None

    def stamps(self) -> Stamps:
        """What tells that one of the files was changed."""
        return stamps((self.policy, *self.calendars))


def read_from(sources: Sources) -> Compiled | Unreadable:
    """Read and compile; what cannot be read is a value, whatever is wrong with it."""
    if sources.policy is None or not sources.calendars:
        return absent(str(sources.missing))
    try:
        read = read_inputs(
            sources.policy, sources.calendars, sources.locks, sources.overrides, sources.learnt
        )
    except InputError as error:
        return absent(str(error.problems[0]), error.problems)
    return read if isinstance(read, Unreadable) else named(read, sources)


def named(inputs: Compiled, sources: Sources) -> Compiled:
    """The inputs, with the digest that the calendar had when it was imported."""
    if sources.calendar_sha256 is None:
        return inputs
    calendar = replace(inputs.facts.calendar, sha256=sources.calendar_sha256)
    return replace(inputs, facts=replace(inputs.facts, calendar=calendar))


def absent(why: str, problems: tuple[Problem, ...] = ()) -> Unreadable:
    """Inputs of which nothing is known but why they are not there."""
    return Unreadable(
        policy=None,
        refs=(PolicyRef(name=None, sha256=None), CalendarRef(sha256=None, weddings=None)),
        reasons=(Reason(code="policy-invalid", message=why),),
        problems=problems or (Problem(message=why),),
    )
