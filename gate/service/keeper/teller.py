"""What is known of the database, put into one message, kept on disk and published."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import msgspec

from gate.core.instants import format_instant
from gate.ledger.acts.current import Current
from gate.service.feed import Inputs
from gate.service.keeper import persisted
from gate.service.keeper.state_file import Held, StateFile
from gate.service.logs import log
from gate.store.connect import Target

UNANNOUNCED = "changes come without notification: is there a pooler in between?"


class Teller:
    """Publishes what holds whenever it, or what is amiss, has changed; and its age now and then.

    A new ``read_at`` alone goes out after ``repeat_seconds`` and to disk after
    ``persist_seconds``. ``policy`` and ``calendar`` are None where the flags give the files.
    """

    def __init__(
        self,
        where: Target,
        folder: Path,
        publish: Callable[[Inputs], None],
        *,
        policy: StateFile | None,
        calendar: StateFile | None,
        persist: Callable[[Inputs], None],
        repeat_seconds: float,
        persist_seconds: float,
    ) -> None:
        self._where = where
        self._folder = folder
        self._publish = publish
        self._policy = policy
        self._calendar = calendar
        self._persist = persist
        self._repeat_seconds = repeat_seconds
        self._persist_seconds = persist_seconds
        self._current: Current | None = None
        self._inputs = Inputs()
        self._published: Inputs | None = None
        self._kept: Inputs | None = None
        self.lost: str | None = "the database has not answered yet"
        self.unannounced = False

    @property
    def read_at(self) -> datetime | None:
        """When the database last answered."""
        return self._inputs.read_at

    def restore(self) -> None:
        """Begin with what an earlier keeper left on disk, and tell it."""
        kept = persisted.load(self._folder, self._where)
        if kept is not None and kept.read_at is not None:
            self._inputs = kept
            self.lost = f"the database was last read at {format_instant(kept.read_at)}"
            if self._policy is not None and kept.policy_path:
                self._policy.restore(Held(path=kept.policy_path, sha256=""))
            if self._calendar is not None and kept.calendar_path and kept.calendar_sha256:
                self._calendar.restore(Held(path=kept.calendar_path, sha256=kept.calendar_sha256))
            log("snapshot-restored", read_at=kept.read_at, locks=len(kept.locks))
        self.tell()

    def holds(self, current: Current, read_at: datetime) -> bool:
        """Take what was read and tell it; whether somebody has done something since the last time.

        (What has ended long ago drops out by itself.)
        """
        before, self._current = self._current, current
        if current.unreadable and (before is None or before.unreadable != current.unreadable):
            log("rows-unreadable", rows=current.unreadable)
        self._inputs = msgspec.structs.replace(
            self._inputs,
            locks=current.locks,
            overrides=current.overrides,
            learnt=current.learnt,
            read_at=read_at,
            restored=False,
        )
        self.lost = None
        self.tell()
        return before is not None and _has_news(before, current)

    def answered(self, at: datetime) -> None:
        """Note that the database answered and that nothing has changed."""
        self._inputs = msgspec.structs.replace(self._inputs, read_at=at)

    def tell(self) -> None:
        """Publish and keep what holds, where it has changed or the last time is long ago."""
        policy = self._policy.held if self._policy is not None else None
        calendar = self._calendar.held if self._calendar is not None else None
        inputs = msgspec.structs.replace(
            self._inputs,
            policy_path=policy.path if policy is not None else None,
            calendar_path=calendar.path if calendar is not None else None,
            calendar_sha256=calendar.sha256 if calendar is not None else None,
            trouble="; ".join(self._troubles()) or None,
        )
        before = self._published
        if (
            before is None
            or inputs.trouble != before.trouble
            or _is_news(before, inputs, self._repeat_seconds)
        ):
            self._published = inputs
            self._publish(inputs)
        kept = self._kept
        if self.lost is None and (kept is None or _is_news(kept, inputs, self._persist_seconds)):
            self._kept = inputs
            self._persist(inputs)

    def _troubles(self) -> list[str]:
        current = self._current
        troubles = [self.lost, *(current.unreadable if current is not None else ())]
        if self._policy is not None:
            troubles.append(self._policy.trouble)
            if current is not None and current.policy_sha256 is None:
                troubles.append("no policy is active in the database")
        if self._calendar is not None:
            troubles.append(self._calendar.trouble)
            if current is not None and current.calendar is None:
                troubles.append("no calendar was imported into the database")
        if self.unannounced:
            troubles.append(UNANNOUNCED)
        return [trouble for trouble in troubles if trouble]


def _has_news(before: Current, now: Current) -> bool:
    return (
        (before.policy_sha256, before.calendar) != (now.policy_sha256, now.calendar)
        or not set(before.locks).issuperset(now.locks)
        or not set(before.overrides).issuperset(now.overrides)
        or before.learnt != now.learnt
    )


def _is_news(before: Inputs, now: Inputs, seconds: float) -> bool:
    """Whether decisions differ, or what was told before is older by so much."""
    if not now.decides_as(before) or now.restored != before.restored:
        return True
    if before.read_at is None or now.read_at is None:
        return before.read_at != now.read_at
    # Either way: a clock may be set back.
    return abs((now.read_at - before.read_at).total_seconds()) >= seconds
