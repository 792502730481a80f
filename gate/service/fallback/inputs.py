"""The policy, calendar and manual locks that the fallback lock is compiled from, as they change."""

from collections.abc import Sequence

from msgspec.structs import replace

from gate.inputs import Compiled
from gate.service.feed import Inputs
from gate.service.sources import Sources, read_from
from gate.service.stamps import Stamps


class Following:
    """Reads the files that the flags name, else those of the database, whenever they change.

    Where there is a database, nothing is read before it has told which locks there are: a lock
    compiled without them would open what they hold. Overrides are not the lock's matter.
    """

    def __init__(
        self, policy: str | None, calendars: Sequence[str], *, database: bool = False
    ) -> None:
        self._policy = policy
        self._calendars = tuple(calendars)
        self._told = None if database else Inputs()
        self._read: tuple[Sources, Stamps] | None = None
        self.trouble: str | None = "the database has not told yet" if database else None
        self.lost: str | None = None

    @property
    def wants_policy(self) -> bool:
        """Whether the database is to say where the policy lies."""
        return self._policy is None

    @property
    def wants_calendar(self) -> bool:
        """Whether the database is to say where the calendar lies."""
        return not self._calendars

    @property
    def waits(self) -> bool:
        """Whether the database has yet to tell what there is to read."""
        return self._told is None or self._sources(self._told) is None

    def take(self, told: Inputs) -> None:
        """Hear what the database says; made to be called from another thread.

        ``lost`` says why it does not answer now, while what it told last stays in force.
        """
        self.lost = told.trouble
        if told.read_at is not None:
            self._told = told

    def look(self) -> Compiled | None:
        """What there is to compile, where it is not what there was at the last call.

        None, too, where it cannot be read: ``trouble`` then says why, and what was read before
        should stay in force.
        """
        told = self._told
        if told is None:
            return None
        sources = self._sources(told)
        if sources is None:
            self.trouble = "no policy or no calendar is in force in the database"
            return None
        now = sources, sources.stamps()
        if now == self._read:
            return None
        # Stamps first: a file that changes while it is read is read again.
        self._read = now
        found = read_from(sources)
        if isinstance(found, Compiled):
            self.trouble = None
            return found
        self.trouble = f"cannot be read: {found.problems[0]}"
        return None

    def _sources(self, told: Inputs) -> Sources | None:
        sources = Sources.of(self._policy, self._calendars, replace(told, overrides=()))
        return None if sources.missing else sources
