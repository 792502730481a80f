"""A snapshot thread and its feed, as the keeper wires them, with a worker that listens."""

from contextlib import AbstractContextManager
from pathlib import Path

from gate.service.snapshots import Pace, Snapshots
from gate.store.connect import Target
from tests.service.feeding import feeding
from tests.service.listening import Heard

QUICK = Pace(keepalive=0.3, answer=0.5, repeat=0.3, look=0.1, longest_retry=0.2)
"""For tests of what happens when something takes too long."""
BRISK = Pace(look=0.1)
"""As in service, but that the end is seen sooner."""


def following(
    where: Target,
    folder: Path,
    *,
    policy: bool = False,
    calendar: bool = False,
    pace: Pace = BRISK,
) -> AbstractContextManager[Heard]:
    """Follow the database during the block; what a worker hears of it."""
    return feeding(
        folder,
        lambda publish: (
            Snapshots(where, folder, publish, policy=policy, calendar=calendar, pace=pace).run
        ),
    )
