"""`gate check` as a whole process: cold start with the example calendar, and a batch.

Peers in the same run, interleaved: a bare `python -c pass`, and `opa eval` with a policy that
denies Saturdays in London and nothing else (no calendar, no load), where an `opa` is on PATH or was
built into ~/.cache/saturday-gate/bin (`go install github.com/open-policy-agent/opa@v1.17.1`).

    python benchmarks/bench_check.py [--runs 15] [--lines 100000]
"""

import argparse
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.report import median, publish  # noqa: E402

REGO = """package gate
deny if time.weekday([time.parse_rfc3339_ns(input.at), "Europe/London"]) == "Saturday"
"""
SATURDAY = "2026-06-13T12:00:00Z"
GATE = [sys.executable, "-m", "gate", "check"]
FILES = [
    "--policy", str(ROOT / "examples" / "policy.yaml"),
    "--calendar", str(ROOT / "examples" / "calendar.csv"),
]  # fmt: skip


def environment(**more: str) -> dict[str, str]:
    """This process's environment, with byte code kept as an installation has it."""
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPATH": str(ROOT), **more}


def spent(command: Sequence[str], env: dict[str, str]) -> tuple[float, float]:
    """Wall and processor seconds of one run."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    subprocess.run(command, env=env, stdout=subprocess.DEVNULL, check=False)
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def find_opa() -> str | None:
    """An OPA to compare with, if there is one."""
    built = Path.home() / ".cache" / "saturday-gate" / "bin" / "opa"
    return shutil.which("opa") or (str(built) if built.exists() else None)


def cold_starts(folder: Path, runs: int) -> None:
    """One decision a process."""
    env = environment(GATE_CACHE_DIR=str(folder / "cache"))
    without = environment(GATE_CACHE_DIR="")
    check = [*GATE, *FILES, "--at", SATURDAY, "--json"]
    commands: dict[str, tuple[list[str], dict[str, str]]] = {
        "bare Python": ([sys.executable, "-c", "pass"], env),
        "gate check": (check, env),
        "gate check, nothing cached": (check, without),
    }
    opa = find_opa()
    if opa is not None:
        (folder / "gate.rego").write_text(REGO)
        (folder / "input.json").write_text(json.dumps({"at": SATURDAY}))
        query = [opa, "eval", "-d", str(folder / "gate.rego"), "-i", str(folder / "input.json")]
        decide = [*query, "--format=raw", "data.gate.deny"]
        said = subprocess.run(decide, env=env, capture_output=True, text=True, check=True).stdout
        assert said.strip() == "true", said
        commands["opa eval, Saturdays only"] = (decide, env)
    figures: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for number in range(runs + 1):
        for name, (command, env_of) in commands.items():
            one = spent(command, env_of)
            if number:
                figures[name].append(one)
    base = median([wall for wall, _ in figures["bare Python"]])
    rows = [
        {
            "command": name,
            "wall s": round(median([wall for wall, _ in all_runs]), 3),
            "above bare s": round(median([wall for wall, _ in all_runs]) - base, 3),
            "processor s": round(median([cpu for _, cpu in all_runs]), 3),
        }
        for name, all_runs in figures.items()
    ]
    publish(
        "check-cold-start", rows, [f"medians of {runs} interleaved runs, ten thousand weddings"]
    )


def batch(folder: Path, lines: int, runs: int) -> None:
    """Many decisions of one process, JSON in and out."""
    rng = random.Random(3)  # noqa: S311
    start = datetime(2026, 1, 1, tzinfo=UTC)
    path = folder / "requests.jsonl"
    with path.open("w") as stream:
        for _ in range(lines):
            at = start + timedelta(seconds=rng.randrange(730 * 86_400))
            request = {
                "at": at.isoformat().replace("+00:00", "Z"),
                "action": rng.choice(["deploy", "config", "restart", "rollback"]),
                "environment": rng.choice(["production", "staging"]),
                "service": rng.choice(["bookings", "rsvp", "photos"]),
            }
            stream.write(json.dumps(request) + "\n")
    env = environment(GATE_CACHE_DIR=str(folder / "cache"))
    figures = [spent([*GATE, *FILES, "--batch", str(path)], env) for _ in range(runs + 1)][1:]
    wall, cpu = median([w for w, _ in figures]), median([c for _, c in figures])
    row = {
        "lines": lines,
        "wall s": round(wall, 2),
        "decisions/s": round(lines / wall),
        "decisions per processor s": round(lines / cpu),
    }
    publish("check-batch", [row], ["whole process, start included"])


def main() -> None:
    """Print and write the tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--lines", type=int, default=200_000)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        cold_starts(Path(name), chosen.runs)
        batch(Path(name), chosen.lines, max(3, chosen.runs // 5))


if __name__ == "__main__":
    main()
