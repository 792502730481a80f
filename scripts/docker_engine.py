"""The Docker engine and the images of the tests, for people and for continuous integration.

    make engine                          # have an engine and the base of the Dockerfile
    make engine ARGS="stop"              # end the engine, if it was started so
    make image                           # and both images, built where something changed

An engine that answers already is used as it is, and never ended. `DOCKER_HOST` names another
socket.
"""

import argparse
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.act import base, engine, images  # noqa: E402
from tests.act.engine import EngineError, docker  # noqa: E402


def say(text: str) -> None:
    """Print at once: what reads this may be a pipe."""
    sys.stdout.write(f"engine: {text}\n")
    sys.stdout.flush()


def start(chosen: argparse.Namespace) -> None:
    """Have an engine and the base image."""
    started = engine.start(chosen.data_root)
    say("started" if started else "one answers")
    say(f"{base.name()}: {base.ensure(pull=not chosen.no_pull)}")


def build(chosen: argparse.Namespace) -> None:
    """Have both images; their names and sizes are printed, and `saturday-gate:STAGE` is theirs."""
    start(chosen)
    for stage in images.STAGES:
        since = time.monotonic()
        name = images.ensure(stage)
        docker("tag", name, f"{images.REPOSITORY}:{stage}")
        size = int(docker("image", "inspect", "--format", "{{.Size}}", name).stdout)
        say(f"{name}: {size / 1e6:.0f} MB, {time.monotonic() - since:.0f} s")


def stop(chosen: argparse.Namespace) -> None:
    """End what `start` started."""
    del chosen
    say("ended" if engine.stop() else "none was started from here")


def main() -> int:
    """The exit code: 1 where Docker cannot do what is asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    for name, run in (("start", start), ("build", build), ("stop", stop)):
        command = commands.add_parser(name, help=(run.__doc__ or "").splitlines()[0])
        command.set_defaults(run=run)
        if run is not stop:
            command.add_argument("--data-root", type=Path, help="where a new engine keeps its data")
            command.add_argument("--no-pull", action="store_true", help="make the base here")
    chosen = parser.parse_args()
    try:
        chosen.run(chosen)
    except EngineError as error:
        say(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
