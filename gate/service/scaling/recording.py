"""What one run does, recorded where there is a database."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from gate.service.scaling.run import Recorder, Unrecorded


@contextmanager
def recording(
    dsn: str | None, environ: Mapping[str, str], *, end_seconds: float = 5.0
) -> Iterator[Recorder]:
    """A recorder for one run; at its end what is recorded is written, if the database is there.

    Raises `InputError` for a DSN that is none.
    """
    if dsn is None:
        yield Unrecorded()
        return
    from gate.service.outbox import Outbox  # noqa: PLC0415  (loads the database driver)
    from gate.service.scaling.record import ScalingRecorder  # noqa: PLC0415
    from gate.store.connect import target  # noqa: PLC0415

    outbox, stop = Outbox(target(dsn, environ)), threading.Event()
    thread = threading.Thread(target=outbox.run, args=[stop], name="outbox", daemon=True)
    thread.start()
    try:
        yield ScalingRecorder(outbox)
    finally:
        outbox.settle(end_seconds)
        stop.set()
        thread.join(timeout=end_seconds)
