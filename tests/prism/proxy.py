"""Prism as a process: it checks each request and each answer by GitHub's description."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from scripts import node_tools
from tests.controlplane.processes import free_port, tail, wait_for
from tests.prism.description import Json

_START_SECONDS = 60.0
_STOP_SECONDS = 10.0


@contextmanager
def started(folder: Path, document: Json, upstream: str) -> Iterator[int]:
    """Prism before the server at ``upstream``; its port.

    With ``--errors`` it answers itself where something is not as described: 422 for a request,
    which then is not passed on, 500 for an answer.
    """
    written = folder / "github.json"
    written.write_text(json.dumps(document), encoding="utf-8")
    log, port = folder / "prism.log", free_port()
    command = [
        "node",
        str(node_tools.modules() / "@stoplight" / "prism-cli" / "dist" / "index.js"),
        *("proxy", "--errors", "--host", "127.0.0.1", "--port", str(port)),
        *(str(written), upstream),
    ]
    with log.open("wb") as output:
        running = subprocess.Popen(command, cwd=folder, stdout=output, stderr=subprocess.STDOUT)
    try:
        wait_for(f"Prism\n{tail(log)}", lambda: _answers(running, port), seconds=_START_SECONDS)
        yield port
    finally:
        running.terminate()
        try:
            running.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()


def _answers(running: subprocess.Popen[bytes], port: int) -> bool:
    if running.poll() is not None:
        raise AssertionError(f"Prism ended with {running.returncode}")
    try:
        with urlopen(f"http://127.0.0.1:{port}/", timeout=5):
            return True
    except HTTPError as error:
        # A path that is not described: it is up.
        error.close()
        return True
    except URLError:
        return False
