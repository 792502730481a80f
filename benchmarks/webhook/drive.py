"""Drive a target with wrk, and see that it answers what it should while it is driven."""

import http.client
import json
import shutil
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.webhook.asking import Client
from benchmarks.webhook.freeze import FROZEN, OPEN, direct
from benchmarks.webhook.review import UID, review
from benchmarks.webhook.target import Target
from benchmarks.webhook.usage import busy_seconds, usage

SCRIPT = Path(__file__).with_name("drive.lua")
CONNECTIONS = 32
WRK_MISSING = "no wrk; install it with: apt-get install wrk (as root)"
_ASIDE_SECONDS = 0.2
# Between two rounds: what the last target still does on its own must not slow the next one.
_QUIET_CORES = 0.25
_QUIET_PROBE_SECONDS = 0.5
_QUIET_WAIT_SECONDS = 10.0
# Denials name an instant, a decision its id: answers of one target differ by some bytes.
_BYTES_TOLERANCE = 0.03


@dataclass(frozen=True)
class Round:
    """What one run of wrk against one target came to."""

    rate: float
    """Decisions a second."""
    p50_ms: float
    p99_ms: float
    cpu_per_1000: float
    """Processor seconds of the target's processes per 1 000 decisions."""
    rss_mib: tuple[float, ...]
    """Of each of its processes, at the end."""


def find_wrk() -> str:
    """Where wrk is; raises `FileNotFoundError` with the command that installs it."""
    found = shutil.which("wrk")
    if found is None:
        raise FileNotFoundError(WRK_MISSING)
    return found


def _wrk(target: Target, prefix: str, seconds: int, *, each: bool) -> dict[str, int | str]:
    body = target.folder / f"{prefix}.json"
    body.write_bytes(review(direct(prefix)))
    verdict = {FROZEN: "false", OPEN: "true"}[prefix]
    command = [
        find_wrk(), "--threads", "1", "--connections", str(CONNECTIONS),
        "--duration", f"{seconds}s", "--timeout", "10s", "--script", str(SCRIPT),
        target.url(prefix), "--", str(body), UID, verdict, *(["each"] if each else []),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"wrk against {target.name}: {done.stdout}{done.stderr}")
    said: dict[str, int | str] = json.loads(done.stdout.splitlines()[-1])
    failed = {key: said[key] for key in ("connect", "read", "write", "timeout", "status", "wrong")}
    if any(failed.values()) or (each and said["looked"] != said["requests"]):
        raise RuntimeError(f"{target.name} under load: {said}\n{target.process.tail()}")
    return said


class _Aside:
    """Asks beside wrk, a few times a second, and looks into the answers."""

    def __init__(self, target: Target, prefix: str) -> None:
        self._client = Client(target.url(prefix), target.site.authority, seconds=30.0)
        self._body = review(direct(prefix))
        self._right = prefix == OPEN
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.asked = 0
        self.failure: str | None = None

    def __enter__(self) -> "_Aside":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._client.close()

    def _run(self) -> None:
        while self.failure is None and not self._over.wait(_ASIDE_SECONDS):
            try:
                answer = self._client.ask(self._body)
                self.asked += 1
                if answer.allowed(UID) is not self._right:
                    self.failure = answer.text
            except (OSError, http.client.HTTPException, ValueError) as error:
                self.failure = repr(error)


def wait_quiet() -> bool:
    """Wait, within limits, until the machine has little to do; whether it has."""
    deadline = time.monotonic() + _QUIET_WAIT_SECONDS
    while time.monotonic() < deadline:
        before, started = busy_seconds(), time.monotonic()
        time.sleep(_QUIET_PROBE_SECONDS)
        if (busy_seconds() - before) / (time.monotonic() - started) < _QUIET_CORES:
            return True
    return False


def warm_up(target: Target, prefix: str, seconds: int) -> None:
    """Drive it and look into every answer; raises `RuntimeError` where one is wrong."""
    said = _wrk(target, prefix, seconds, each=True)
    target.answer_bytes = int(said["bytes"]) / int(said["requests"])


def drive(target: Target, prefix: str, seconds: int) -> Round:
    """One round with reviews of one verdict, after `warm_up` with the same.

    Looking into every answer costs wrk time that it needs for asking; so here all answers must be
    of success and about as long as the right ones were, and those asked for beside wrk are looked
    into. Raises `RuntimeError` where that is not so.
    """
    before = usage(target.process.pid)
    with _Aside(target, prefix) as aside:
        said = _wrk(target, prefix, seconds, each=False)
    after = usage(target.process.pid)
    if aside.failure is not None:
        raise RuntimeError(f"{target.name} answered under load: {aside.failure}")
    requests, micros = int(said["requests"]), int(said["micros"])
    mean = int(said["bytes"]) / requests
    if abs(mean / target.answer_bytes - 1) > _BYTES_TOLERANCE:
        raise RuntimeError(f"answers of {mean:.0f} bytes, once of {target.answer_bytes:.0f}")
    return Round(
        rate=requests * 1e6 / micros,
        p50_ms=int(said["p50"]) / 1000,
        p99_ms=int(said["p99"]) / 1000,
        cpu_per_1000=(after.cpu_seconds - before.cpu_seconds) * 1000 / (requests + aside.asked),
        rss_mib=after.rss_mib,
    )
