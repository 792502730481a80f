"""A judge for a long run: it follows files that people edit, and locks that people set."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from gate.cli.judge import Judge
from gate.core.decision import Decision, ManualLock, Override, Request
from gate.core.policy import Policy
from gate.inputs import Compiled, Unreadable, read_inputs
from gate.service.stamps import Stamps, stamps
from gate.store import StoreUnavailable

if TYPE_CHECKING:
    from gate.cli.recorder import Recorder

LONGEST_OUTAGE_SECONDS = 300.0
"""For so long the locks that were read last hold while the database does not answer."""


class Following:
    """Decides from files and a database as they are now.

    An edit that cannot be read keeps what was read before, and is told once; a database that does
    not answer keeps the locks, for a while. ``recorder`` opens the database, which may fail.
    """

    def __init__(
        self,
        policy_path: str,
        calendar_paths: Sequence[str],
        recorder: "Callable[[], Recorder] | None",
        *,
        monotonic: Callable[[], float],
        tell: Callable[[str], None],
    ) -> None:
        self._paths = (policy_path, *calendar_paths)
        self._open = recorder
        self._recorder: Recorder | None = None
        self._monotonic = monotonic
        self._tell = tell
        self._stamps: Stamps = ()
        self._acts: tuple[tuple[ManualLock, ...], tuple[Override, ...]] | None = None
        self._read_acts_at = float("-inf")
        self._outage: str | None = None
        self.inputs: Compiled | Unreadable | None = None

    @property
    def policy(self) -> Policy | None:
        """The policy in force."""
        return self.inputs.policy if self.inputs else None

    def refresh(self) -> None:
        """Read what has changed."""
        changed = self._refresh_acts()
        found = stamps(self._paths)
        if self.inputs is None or changed or found != self._stamps:
            self._stamps = found
            self._read()

    def preview(self, request: Request, at: datetime) -> Decision:
        """The decision, not recorded."""
        assert self.inputs is not None, "refresh comes first"
        return Judge(self.inputs, outage=self._stale())(request, at)

    def __call__(self, request: Request, at: datetime) -> Decision:
        """The decision, recorded where there is a database; else undecided."""
        assert self.inputs is not None, "refresh comes first"
        if self._open is None:
            return Judge(self.inputs)(request, at)
        outage = self._outage if self._recorder is None else self._stale()
        judge = Judge(self.inputs, recorder=self._recorder, outage=outage)
        (decision,) = judge.record([judge(request, at)])
        return decision

    def close(self) -> None:
        """Give the connection back."""
        if self._recorder is not None:
            self._recorder.close()
            self._recorder = None

    def _read(self) -> None:
        locks, overrides = self._acts or ((), ())
        policy_path, *calendar_paths = self._paths
        read = read_inputs(policy_path, calendar_paths, locks, overrides)
        if isinstance(read, Unreadable):
            for problem in read.problems:
                self._tell(str(problem))
            if isinstance(self.inputs, Compiled):
                self._tell("what was read before still holds")
                return
        self.inputs = read

    def _refresh_acts(self) -> bool:
        """Whether locks or overrides are others than before."""
        if self._open is None:
            return False
        try:
            if self._recorder is None:
                self._recorder = self._open()
            acts = self._recorder.locks_and_overrides()
        except StoreUnavailable as error:
            self.close()
            if self._outage is None:
                self._tell(str(error))
            self._outage = str(error)
            return False
        if self._outage is not None:
            self._tell("the database answers again")
        self._outage = None
        self._read_acts_at = self._monotonic()
        changed = acts != self._acts
        self._acts = acts
        return changed

    def _stale(self) -> str | None:
        """Why locks must no longer be taken from memory, or None."""
        if self._outage is None:
            return None
        away = self._monotonic() - self._read_acts_at
        return self._outage if away > LONGEST_OUTAGE_SECONDS else None
