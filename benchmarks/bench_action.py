"""What the Action's container costs: its size, and a decision beside a start that does nothing.

A decision is `docker run` with what GitHub passes: inputs, files for outputs and summary, the
repository as workspace. The peer is `docker run --entrypoint true` of the same image, interleaved
in the same run; what is quoted is the difference of the medians, to be at most a second. An engine
has to answer (`make engine`); the image is built where something changed.

    python benchmarks/bench_action.py [--runs 5]
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.report import median, publish  # noqa: E402
from tests.act import base, engine, images  # noqa: E402
from tests.act.engine import docker  # noqa: E402

LARGEST_SECONDS = 1.0
LARGEST_BYTES = 120_000_000
SMALL = "id,date,timezone,culture,guests\na,2026-06-13,Asia/Kolkata,indian,600\n"
WITHIN = "/github/workspace"
SIGNS = ["--env=GITHUB_ACTIONS=true", "--env=CI=true", "--env=GITHUB_EVENT_NAME=push"]


def run(arguments: list[str]) -> float:
    """Wall seconds of one `docker run`; its exit code must be that of a decision."""
    started = time.perf_counter()
    done = subprocess.run(
        ["docker", "run", "--rm", *arguments], stdout=subprocess.DEVNULL, check=False
    )
    spent = time.perf_counter() - started
    if done.returncode not in {0, 3}:
        sys.exit(f"docker run {' '.join(arguments)} ended with {done.returncode}")
    return spent


def decision(image: str, folder: Path) -> list[str]:
    """The arguments with which GitHub starts the Action on a workspace."""
    variables = {
        "INPUT_POLICY": ".gate/policy.yaml",
        "INPUT_CALENDAR": ".gate/calendar.csv",
        "INPUT_ENVIRONMENT": "production",
        "INPUT_MODE": "fail",
        "INPUT_WAIT-TIMEOUT": "30m",
        "GITHUB_WORKSPACE": WITHIN,
        "GITHUB_OUTPUT": f"{WITHIN}/output",
        "GITHUB_STEP_SUMMARY": f"{WITHIN}/summary",
    }
    given = [f"--env={name}={value}" for name, value in variables.items()]
    return [f"--volume={folder}:{WITHIN}", f"--workdir={WITHIN}", *SIGNS, *given, image]


def workspace(folder: Path, calendar: str | None) -> Path:
    """A repository with the example policy, and a calendar: a text, or that of the examples."""
    (folder / ".gate").mkdir(parents=True)
    shutil.copy(ROOT / "examples" / "policy.yaml", folder / ".gate")
    if calendar is None:
        shutil.copy(ROOT / "examples" / "calendar.csv", folder / ".gate")
    else:
        (folder / ".gate" / "calendar.csv").write_text(calendar)
    return folder


def main() -> int:
    """Run, print and write; 1 where a figure to reach is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    runs: int = parser.parse_args().runs
    if why := engine.missing():
        sys.stdout.write(f"bench_action: {why}; enable it with: {engine.START}\n")
        return 0
    base.ensure()
    image = images.ensure("action")
    size = int(docker("image", "inspect", "--format", "{{.Size}}", image).stdout)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        commands = {
            "true": ["--entrypoint=true", image],
            "gate --version": [image, "--version"],
            "a decision, one wedding": decision(image, workspace(folder / "small", SMALL)),
            "a decision, the example's weddings": decision(
                image, workspace(folder / "large", None)
            ),
        }
        for command in commands.values():
            run(command)
        spent: dict[str, list[float]] = {label: [] for label in commands}
        for _ in range(runs):
            for label, command in commands.items():
                spent[label].append(run(command))
    started = median(spent["true"])
    rows = [
        {
            "docker run": label,
            "median ms": round(median(values) * 1000),
            "beyond true, ms": round((median(values) - started) * 1000),
        }
        for label, values in spent.items()
    ]
    weddings = len((ROOT / "examples" / "calendar.csv").read_text().splitlines()) - 1
    publish(
        "action",
        rows,
        [
            f"image: {size / 1e6:.1f} MB of at most {LARGEST_BYTES / 1e6:.0f}",
            f"the example's calendar: {weddings} weddings; medians of {runs}, interleaved",
        ],
    )
    slowest = max(median(values) for values in spent.values()) - started
    return int(slowest > LARGEST_SECONDS or size > LARGEST_BYTES)


if __name__ == "__main__":
    sys.exit(main())
