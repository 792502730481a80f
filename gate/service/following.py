"""The policy, calendar and manual locks that a worker goes by, as they change."""

import os
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from msgspec.structs import replace

from gate.inputs import Compiled, Unreadable
from gate.service.feed import Inputs
from gate.service.sources import Sources, read_from
from gate.service.stamps import Stamps

CONNECTING_SECONDS = 6.0
"""How long the database is waited for at the start; a connection may take five."""
_SOON_SECONDS = 0.05


class Following:
    """Reads the files that the flags name, else those of the database, whenever they change.

    Where there is a database, nothing is read before it has told which locks there are: a lock
    compiled without them would open what they hold. Overrides are no worker's matter.
    ``unreadable`` is what could be read all the same, while something cannot.
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
        self.unreadable: Unreadable | None = None

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
            self.trouble = self.unreadable = None
            return found
        self.unreadable = found
        self.trouble = f"cannot be read: {found.problems[0]}"
        return None

    def _sources(self, told: Inputs) -> Sources | None:
        sources = Sources.of(self._policy, self._calendars, replace(told, overrides=()))
        return None if sources.missing else sources

    def wait(self, stop: threading.Event) -> None:
        """Until the database has told what there is, or as long as a connection may take."""
        deadline = time.monotonic() + CONNECTING_SECONDS
        while (self.waits or self.lost is not None) and time.monotonic() < deadline:
            if stop.wait(_SOON_SECONDS):
                return


@contextmanager
def followed(
    inputs: Following, dsn: str, state: Path | None, stop: threading.Event, *, name: str
) -> Iterator[None]:
    """Follow the database for the block: locks, and policy and calendar where no files are named.

    ``state`` is the folder that remembers them while it is away, else one for this process alone,
    whose name has ``name`` in it. Raises `InputError` for a DSN that is none.
    """
    from gate.service.keeper.files import prepare  # noqa: PLC0415  (loads the database driver)
    from gate.service.snapshots import Snapshots  # noqa: PLC0415
    from gate.store.connect import target  # noqa: PLC0415

    where = target(dsn, os.environ)
    with ExitStack() as stack:
        if state is None:
            made = tempfile.TemporaryDirectory(prefix=f"gate-{name}-", ignore_cleanup_errors=True)
            state = Path(stack.enter_context(made))
        prepare(state)
        snapshots = Snapshots(
            where, state, inputs.take, policy=inputs.wants_policy, calendar=inputs.wants_calendar
        )
        thread = threading.Thread(target=snapshots.run, args=[stop], name="database", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(timeout=5.0)
