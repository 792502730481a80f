"""What is known of the database, put into one message, kept on disk and published."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import msgspec

from gate.core.instants import format_instant
from gate.ledger.acts.current import Current
from gate.service.feed import Inputs
from gate.service.keeper import persisted
from gate.service.keeper.calendar_files import CalendarFile, CalendarFiles
from gate.service.keeper.policy_files import PolicyFiles
from gate.service.logs import log
from gate.store.connect import Target

UNANNOUNCED = "changes come without notification: is there a pooler in between?"


class Teller:
    """Publishes what holds whenever it, or what is amiss, has changed; and its age now and then.

    A new ``read_at`` alone goes out after ``repeat_seconds`` and to disk after
    ``persist_seconds``. ``policies`` and ``calendars`` are None where the flags give the files.
    """

    def __init__(
        self,
        where: Target,
        folder: Path,
        publish: Callable[[Inputs], None],
        *,
        policies: PolicyFiles | None,
        calendars: CalendarFiles | None,
        repeat_seconds: float,
        persist_seconds: float,
    ) -> None:
        self._where = where
        self._folder = folder
        self._publish = publish
        self._policies = policies
        self._calendars = calendars
        self._repeat_seconds = repeat_seconds
        self._persist_seconds = persist_seconds
        self._current: Current | None = None
        self._inputs = Inputs()
        self._published: Inputs | None = None
        self._persisted: Inputs | None = None
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
            if self._policies is not None:
                self._policies.restore(kept.policy_path)
            if self._calendars is not None and kept.calendar_path and kept.calendar_sha256:
                self._calendars.restore(
                    CalendarFile(path=kept.calendar_path, sha256=kept.calendar_sha256)
                )
            log("snapshot-restored", read_at=kept.read_at, locks=len(kept.locks))
        self.tell()

    def holds(self, current: Current, read_at: datetime) -> bool:
        """Take what was read and tell it; whether it is other than what was read before."""
        changed = current != self._current
        if changed and current.unreadable:
            log("rows-unreadable", rows=current.unreadable)
        self._current = current
        self._inputs = msgspec.structs.replace(
            self._inputs, locks=current.locks, overrides=current.overrides, read_at=read_at
        )
        self.lost = None
        self.tell()
        return changed

    def answered(self, at: datetime) -> None:
        """Note that the database answered and that nothing has changed."""
        self._inputs = msgspec.structs.replace(self._inputs, read_at=at)

    def tell(self) -> None:
        """Keep and publish what holds, where it has changed or the last time is long ago."""
        file = self._calendars.file if self._calendars is not None else None
        inputs = msgspec.structs.replace(
            self._inputs,
            policy_path=self._policies.path if self._policies is not None else None,
            calendar_path=file.path if file is not None else None,
            calendar_sha256=file.sha256 if file is not None else None,
            trouble="; ".join(self._troubles()) or None,
        )
        # On disk first: a keeper that is killed and starts anew must not know less than workers do.
        self._persist(inputs)
        before = self._published
        if (
            before is None
            or not inputs.decides_as(before)
            or inputs.trouble != before.trouble
            or _seconds_between(before, inputs) >= self._repeat_seconds
        ):
            self._published = inputs
            self._publish(inputs)

    def _persist(self, inputs: Inputs) -> None:
        if self.lost is not None:
            return
        before = self._persisted
        if (
            before is not None
            and inputs.decides_as(before)
            and _seconds_between(before, inputs) < self._persist_seconds
        ):
            return
        # Of a disk that takes nothing it is enough to hear once in a while.
        self._persisted = inputs
        try:
            persisted.save(self._folder, self._where, inputs)
        except OSError as error:
            log("snapshot-not-kept", error=str(error))

    def _troubles(self) -> list[str]:
        current = self._current
        troubles = [self.lost, *(current.unreadable if current is not None else ())]
        if self._policies is not None:
            troubles.append(self._policies.trouble)
            if current is not None and current.policy_sha256 is None:
                troubles.append("no policy is active in the database")
        if self._calendars is not None:
            troubles.append(self._calendars.trouble)
            if current is not None and current.calendar is None:
                troubles.append("no calendar was imported into the database")
        if self.unannounced:
            troubles.append(UNANNOUNCED)
        return [trouble for trouble in troubles if trouble]


def _seconds_between(before: Inputs, now: Inputs) -> float:
    if before.read_at is None or now.read_at is None:
        return 0.0 if before.read_at == now.read_at else float("inf")
    return (now.read_at - before.read_at).total_seconds()
