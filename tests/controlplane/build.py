"""Build the programs of the control plane that are nowhere yet, into the cache.

    python -m tests.controlplane.build

Each program is put into the cache whole or not at all, so that a build that was interrupted goes on
where it was. Two builders do not work at once: the second waits and then finds everything there.
"""

import fcntl
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.controlplane import programs
from tests.controlplane.programs import Source

PROGRESS_SECONDS = 30.0
_LINES = 15
# Where Go's own installer puts it, and most shells do not look.
_USUAL = "/usr/local/go/bin"
_UNREACHED = re.compile(
    r"dial tcp|no such host|i/o timeout|proxyconnect|TLS handshake|server misbehaving"
    r"|reading https?://\S+: [45]\d\d|module lookup disabled"
)

Say = Callable[[str], None]


class BuildError(Exception):
    """The programs cannot be built here; the text says what is missing and what to do."""


def build(say: Say) -> None:
    """Build what is in neither `KUBEBUILDER_ASSETS`, `PATH` nor the cache; raises `BuildError`."""
    if not _lacking():
        say(f"all there: {_where()}")
        return
    with _alone(say):
        for source, names in _lacking():
            go = _go()
            version = _version(go, source)
            for name in names:
                started = time.monotonic()
                say(f"building {name} ({source.origin} {source.version()}, {version}) …")
                _build_one(go, source, name, say)
                say(f"built {name} in {time.monotonic() - started:.0f} s")
    say(f"all there: {_where()}")


def _lacking() -> list[tuple[Source, list[str]]]:
    found = (
        (source, [name for name in source.packages if programs.find(name) is None])
        for source in programs.SOURCES
    )
    return [(source, names) for source, names in found if names]


def _where() -> str:
    return ", ".join(sorted({str(programs.program(name).parent) for name in programs.PROGRAMS}))


@contextmanager
def _alone(say: Say) -> Iterator[None]:
    folder = programs.cache()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder.parent / "building.lock").open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("someone else is building; waiting …")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _go() -> str:
    places = os.pathsep.join((os.environ.get("PATH", os.defpath), _USUAL))
    found = shutil.which("go", path=places)
    if found is None:
        raise BuildError(
            f"there is no Go here. Install Go {_needed()} or newer (https://go.dev/dl/), or set"
            f" KUBEBUILDER_ASSETS to a folder with {', '.join(programs.PROGRAMS)}"
        )
    return found


def _needed() -> str:
    """The oldest Go that all modules accept."""
    texts = [(source.folder() / "go.mod").read_text() for source in programs.SOURCES]
    said: list[str] = re.findall(r"^go (\S+)$", "\n".join(texts), re.MULTILINE)
    return max(said, key=_numbers)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def _environment() -> dict[str, str]:
    # A workspace above us would replace our requirements; without cgo no C compiler is needed.
    return dict(os.environ) | {"GOWORK": "off", "CGO_ENABLED": "0"}


def _version(go: str, source: Source) -> str:
    """The Go that builds this module (a newer one than is installed, where Go may fetch it)."""
    done = subprocess.run(
        [go, "env", "GOVERSION"],
        cwd=source.folder(),
        env=_environment(),
        check=False,
        text=True,
        capture_output=True,
    )
    version = done.stdout.strip()
    if done.returncode or _numbers(version) < _numbers(_needed()):
        said = done.stderr.strip() or f"{go} is {version}"
        raise BuildError(f"Go {_needed()} or newer is needed (https://go.dev/dl/): {said}")
    return version


def _build_one(go: str, source: Source, name: str, say: Say) -> None:
    cache = programs.cache()
    with tempfile.TemporaryDirectory(prefix="building-", dir=cache.parent) as folder:
        made = Path(folder) / name
        command = [
            *(go, "build", "-trimpath", "-buildvcs=false", "-mod=readonly"),
            *("-ldflags", source.linker_flags(), "-o", str(made), source.packages[name]),
        ]
        log = Path(folder) / "log"
        with log.open("wb") as output:
            code = _watched(command, source.folder(), output.fileno(), name, say)
        if code:
            raise BuildError(_explained(name, log.read_text(errors="replace")))
        made.replace(cache / name)


def _watched(command: list[str], folder: Path, output: int, name: str, say: Say) -> int:
    """Run it, saying now and then that it still runs; its exit code."""
    started = time.monotonic()
    with subprocess.Popen(
        command, cwd=folder, env=_environment(), stdout=output, stderr=subprocess.STDOUT
    ) as running:
        while True:
            try:
                return running.wait(PROGRESS_SECONDS)
            except subprocess.TimeoutExpired:
                say(f"still building {name}, {time.monotonic() - started:.0f} s")
            except BaseException:
                running.terminate()
                raise


def _explained(name: str, said: str) -> str:
    lines = [line for line in said.splitlines() if not line.startswith("go: downloading")]
    tail = "\n".join(f"  {line}" for line in lines[-_LINES:])
    hint = ""
    if _UNREACHED.search(tail):
        proxy = os.environ.get("GOPROXY", "Go's default")
        hint = f"\nthe modules cannot be fetched (GOPROXY: {proxy}); with a network, try again"
    return f"{name} was not built:\n{tail}{hint}"


def main() -> int:
    """The exit code: 1 where something is missing."""

    def say(text: str) -> None:
        sys.stdout.write(f"cluster-build: {text}\n")
        sys.stdout.flush()

    try:
        build(say)
    except BuildError as error:
        say(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
