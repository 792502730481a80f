"""Where one run's targets live: a folder, certificates, an API server; and the end of it all."""

import contextlib
import datetime as dt
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.webhook.freeze import FROZEN, OPEN, Freeze, direct, freeze_around
from tests.controlplane import certificates, programs
from tests.controlplane.certificates import Pair
from tests.controlplane.plane import ControlPlane
from tests.controlplane.processes import ControlPlaneError
from tests.controlplane.running import ROOT, clean_environment, started

LABEL = "saturday-gate.io/benchmark"
"""On every namespace; its value says whose it is."""
DIRECT = "direct"
"""Of the namespaces of reviews that are posted to the targets themselves."""


class MissingTargetError(Exception):
    """A target cannot be built or run on this machine; the text says why, and what would help."""


@dataclass(frozen=True)
class Site:
    """Where the targets of one run live."""

    folder: Path
    """Of the run; removed after it. A target's files are in a folder of its own in here."""
    authority: Path
    """The certificate (PEM) that signed `serving`."""
    serving: Pair
    """The certificate of every target, for 127.0.0.1."""
    freeze: Freeze
    year: int
    """In which the run began."""
    plane: ControlPlane | None
    """The API server, or None where it could not be started."""
    no_plane: str = ""
    """Why there is none."""

    def api_server(self) -> ControlPlane:
        """The API server; raises `MissingTargetError` where there is none."""
        if self.plane is None:
            raise MissingTargetError(f"needs an API server: {self.no_plane}")
        return self.plane


@contextlib.contextmanager
def opened(base: Path) -> Iterator[Site]:
    """A site for the length of the block, in a folder of `base`.

    Whatever was started in it is ended and its folder removed, also where this process is killed: a
    guard beside it waits for its end.
    """
    now = dt.datetime.now(dt.UTC)
    base.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=base))
    with contextlib.ExitStack() as stack:
        guard = subprocess.Popen(
            [sys.executable, "-m", "tests.controlplane.guard", str(folder)],
            cwd=ROOT,
            env=clean_environment(),
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        stack.callback(guard.communicate)
        authority = certificates.authority(folder, now=now, name="benchmark-ca")
        serving = certificates.serving(authority, folder / "serving", now=now)
        plane, reason = _plane(folder / "plane", stack)
        freeze = freeze_around(now)
        yield Site(folder, authority.certificate, serving, freeze, now.year, plane, reason)


def _plane(folder: Path, stack: contextlib.ExitStack) -> tuple[ControlPlane | None, str]:
    """An API server with nothing but etcd beside it, or why there is none."""
    if (lacking := programs.missing()) is not None:
        return None, f"{lacking}; build them with: {programs.BUILD_COMMAND}"
    try:
        plane = stack.enter_context(started(folder)).plane
    except ControlPlaneError as error:
        return None, str(error)
    for prefix in (FROZEN, OPEN):
        add_namespace(plane, direct(prefix), {LABEL: DIRECT})
    return plane, ""


def add_namespace(plane: ControlPlane, name: str, labels: Mapping[str, str] | None = None) -> None:
    """Make a namespace."""
    metadata = {"name": name, "labels": labels or {}}
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
    plane.request("POST", "/api/v1/namespaces", body).ok()
