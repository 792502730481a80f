"""How long it takes until every open pull request follows a transition, and in how many requests.

`gate github sync --once` as a process against the tests' fake of GitHub, which answers each request
after a given latency. The peer in the same run is the usual loop with PyGithub: for each pull
request read its check runs, then create one; with PyGithub's own pauses, and without. The peers run
on fewer heads, for they take as long for each as the last.

    python benchmarks/bench_sync.py [--heads 500] [--latency-ms 60] [--rounds 3]
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import github

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.report import median, publish
from tests.github.fake import FakeGitHub
from tests.github.fake.server import TOKEN

ROOT = Path(__file__).parent.parent
POLICY = "version: 1\ntimezone: Europe/London\nlevel_lock: {at: never}\nwindows: "
LOCKED = '[{name: all, start: "2020-01-01T00:00:00Z", end: "2099-01-01T00:00:00Z"}]\n'


def sync(fake: FakeGitHub, folder: Path, windows: str) -> None:
    """One run of the command; it must succeed."""
    policy = folder / "policy.yaml"
    policy.write_text(POLICY + windows)
    files = ["--policy", str(policy), "--calendar", str(folder / "calendar.csv")]
    command = ["github", "sync", "--repo", "acme/bookings", *files, "--once"]
    subprocess.run(
        [sys.executable, "-m", "gate", *command],
        check=True,
        cwd=ROOT,
        env={**os.environ, "GITHUB_TOKEN": TOKEN, "GITHUB_API_URL": fake.url},
        stdout=subprocess.DEVNULL,
    )


def peer(fake: FakeGitHub, pause: float | None) -> None:
    """The loop that one writes without haste."""
    auth = github.Auth.Token(TOKEN)
    client = github.Github(
        auth=auth,
        base_url=fake.url,
        per_page=100,
        lazy=True,
        seconds_between_requests=None if pause is None else 0.25,
        seconds_between_writes=pause,
    )
    repository = client.get_repo("acme/bookings")
    for pull in repository.get_pulls(state="open"):
        commit = repository.get_commit(pull.head.sha)
        if not list(commit.get_check_runs(check_name="saturday-gate")):
            repository.create_check_run(
                name="saturday-gate", head_sha=pull.head.sha, status="in_progress"
            )
    client.close()


def measured(fake: FakeGitHub, work: Callable[[], None]) -> tuple[float, int]:
    """Seconds and requests."""
    fake.forget()
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun, len(fake.log)


def main() -> None:
    """Measure and publish."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--heads", type=int, default=500)
    parser.add_argument("--peer-heads", type=int, default=20)
    parser.add_argument("--latency-ms", type=float, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    seen: dict[str, list[tuple[float, int]]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with (ROOT / "examples" / "calendar.csv").open() as lines:
            (folder / "calendar.csv").write_text(next(lines))
        for _ in range(given.rounds):
            with FakeGitHub(latency_seconds=given.latency_ms / 1000) as fake:
                for number in range(1, given.heads + 1):
                    fake.repository.pull(number)
                for what, windows in (
                    ("new heads, locked", LOCKED),
                    ("nothing to change", LOCKED),
                    ("locked to open", "[]\n"),
                    ("open to locked", LOCKED),
                ):
                    figures = measured(fake, lambda w=windows: sync(fake, folder, w))  # type: ignore[misc]
                    seen.setdefault(f"gate: {what}", []).append(figures)
            for label, pause in (("PyGithub in a loop, no pauses", None), ("its defaults", 1.0)):
                with FakeGitHub(latency_seconds=given.latency_ms / 1000) as fake:
                    for number in range(1, given.peer_heads + 1):
                        fake.repository.pull(number)
                    figures = measured(fake, lambda p=pause: peer(fake, p))  # type: ignore[misc]
                    seen.setdefault(f"peer: {label}", []).append(figures)
    rows = []
    for what, figures_of in seen.items():
        heads = given.heads if what.startswith("gate") else given.peer_heads
        seconds = median([each[0] for each in figures_of])
        calls = median([each[1] for each in figures_of])
        rows.append(
            {
                "run": what,
                "heads": heads,
                "seconds": round(seconds, 2),
                "calls": round(calls),
                "ms a head": round(1000 * seconds / heads, 1),
                "for 500 heads, s": round(500 * seconds / heads, 1),
            }
        )
    publish("sync", rows, [f"each request {given.latency_ms:g} ms, medians of {given.rounds}"])


if __name__ == "__main__":
    main()
