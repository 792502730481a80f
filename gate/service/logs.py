"""Log lines of the service's processes: one JSON object a line, on standard error.

No field ever holds a secret: connection strings, tokens and keys are not logged, only what is said
of them.
"""

import json
import os
from datetime import UTC, datetime

_STANDARD_ERROR = 2


def log(event: str, **fields: object) -> None:
    """Write one line: the instant, the process, the event and its fields.

    Values that JSON does not know are written as their text. A standard error that cannot be
    written to is no reason for anything else to stop.
    """
    at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    line = json.dumps({"at": at, "pid": os.getpid(), "event": event, **fields}, default=str)
    # One write, so that the lines of several processes do not mix.
    try:
        os.write(_STANDARD_ERROR, line.encode() + b"\n")
    except OSError:
        return
