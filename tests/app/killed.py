"""A worker in a process of its own, to be killed; settings come as JSON in its argument."""

import json
import sys
import threading
from pathlib import Path

from gate.github.client import Connection, Token
from gate.service.github.asked import Asked
from gate.service.github.protecting import Protecting
from gate.store.connect import Target
from tests.app.court import Court
from tests.app.scene import FRIDAY, SetTiming
from tests.github.fake.server import TOKEN


def main() -> None:
    """One turn, on the Friday of the tests."""
    given = json.loads(sys.argv[1])
    where = Target(dsn=given["dsn"], schema=given["schema"], embedded_folder=Path(given["base"]))
    folder = Path(given["folder"]) / "killed"
    folder.mkdir()
    timing = SetTiming()
    timing.at = FRIDAY
    with Court(folder, where, writer="protection-of-the-killed") as court:
        reached = Connection(Token(token=TOKEN), given["api"], timeout_seconds=60)
        worker = Protecting(where, reached, court, timing=timing, lanes=1)
        with Asked.opened(where) as asked:
            worker.turn(asked, timing, threading.Event())


if __name__ == "__main__":
    main()
