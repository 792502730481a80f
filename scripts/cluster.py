"""The control plane of the tests, for people: in the foreground, until Ctrl-C.

    make cluster                                       # everything, with 5 nodes
    make cluster ARGS="--api-only"                     # etcd and the API server: ready in 3 s
    make cluster ARGS="--nodes 20 --api-servers 2"
    make cluster ARGS="--api-only -- --v=4"            # and flags of the API server
    make cluster-build                                 # only build what is missing

What it keeps is in `.cluster/` (`--folder` names another place) and gone at its end.
"""

import argparse
import fcntl
import shlex
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.controlplane import build, programs  # noqa: E402
from tests.controlplane.plane import ADMIN, DEPLOYER, PERSON, PLATFORM  # noqa: E402
from tests.controlplane.processes import ControlPlaneError  # noqa: E402
from tests.controlplane.running import Running, started  # noqa: E402

CHECK_SECONDS = 1.0
NAMES = {ADMIN: "admin", PERSON: "alice", DEPLOYER: "deployer"}


def say(text: str) -> None:
    """Print at once: what reads this may be a pipe."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0] if __doc__ else None,
        epilog="Arguments after -- go to the API server.",
    )
    parser.add_argument("--build-only", action="store_true", help="build what is missing, and end")
    parser.add_argument("--api-only", action="store_true", help="only etcd and the API server")
    parser.add_argument("--nodes", type=int, default=5, help="how many nodes kwok plays")
    parser.add_argument("--api-servers", type=int, default=1, help="how many share the etcd")
    parser.add_argument("--folder", type=Path, default=ROOT / ".cluster", help="made, and removed")
    parser.add_argument("flags", nargs="*", help="flags of the API server, after --")
    return parser.parse_args()


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Hold the folder; what an earlier run left there (its machine went down) is removed."""
    folder.mkdir(exist_ok=True, mode=0o700)
    with (folder / "lock").open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit(f"cluster: one runs already, in {folder}")
        shutil.rmtree(folder / "plane", ignore_errors=True)
        try:
            yield
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def introduce(running: Running, folder: Path, seconds: float) -> None:
    """Say where everything is."""
    plane = running.plane
    for user, name in NAMES.items():
        shutil.copy(plane.kubeconfig(user), folder / f"{name}.kubeconfig")
    shown = shlex.quote(f"{folder}/admin.kubeconfig")
    say(f"""
ready in {seconds:.1f} s: {", ".join(plane.urls)}

    export KUBECONFIG={shown}
    {shlex.quote(str(programs.kubectl()))} get namespaces

others: alice.kubeconfig (a person), deployer.kubeconfig (a pipeline's service account);
anyone: kubectl --as=bob --as-group={PLATFORM} …
logs: {plane.folder}/logs

Ctrl-C ends it.""")


def run(asked: argparse.Namespace) -> None:
    """Start it and stay until Ctrl-C, or until one of its processes ends."""
    begun = time.monotonic()
    folder = asked.folder
    say("starting …")
    with started(
        folder / "plane",
        whole=not asked.api_only,
        nodes=asked.nodes,
        api_servers=asked.api_servers,
        api_server_flags=asked.flags,
    ) as running:
        introduce(running, folder, time.monotonic() - begun)
        while not threading.Event().wait(CHECK_SECONDS):
            for process in running.processes():
                process.check()


def leave(_signal: int, _frame: FrameType | None) -> NoReturn:
    """End as for Ctrl-C, so that everything is cleaned up."""
    raise KeyboardInterrupt


def main() -> int:
    """The exit code: 1 where it cannot be built or started, or a process ended by itself."""
    asked = arguments()
    code = build.main()
    if code or asked.build_only:
        return code
    signal.signal(signal.SIGTERM, leave)
    # A shell without job control starts what runs in the background with SIGINT ignored.
    signal.signal(signal.SIGINT, leave)
    try:
        asked.folder = asked.folder.resolve()
        with only_one(asked.folder):
            run(asked)
    except ControlPlaneError as error:
        sys.stderr.write(f"cluster: {error}\n")
        return 1
    except KeyboardInterrupt:
        say("\nended")
    return 0


if __name__ == "__main__":
    sys.exit(main())
