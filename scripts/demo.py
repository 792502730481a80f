"""The product in a minute: real commands on the example calendar, with a real PostgreSQL.

Every command is printed before it runs, as a person would type it in the project's folder. All ask
about fixed instants, so that the answers are the same whenever this runs; only identifiers and the
times at which rows were written differ. The database's files live under `.demo/`; its server is
stopped at the end.
"""

import os
import shlex
import shutil
import subprocess
import sys
import textwrap
import time
from dataclasses import dataclass
from pathlib import Path

from gate.store import embedded

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
FOLDER = ROOT / ".demo"
SERVER = FOLDER / "postgres"

POLICY = "--policy examples/policy.yaml --calendar examples/calendar.csv"
PRODUCTION = "--environment production --service bookings"


@dataclass(frozen=True)
class Step:
    """A command, what it is there to show, and the exit code that it must end with."""

    why: str
    command: str
    exit_code: int = 0


STEPS = (
    Step(
        "An empty folder becomes a database: PostgreSQL is started, the migrations are applied.",
        "gate db migrate",
    ),
    Step("Is the policy in order?", "gate policy validate examples/policy.yaml"),
    Step(
        "And do its expected answers hold?",
        "gate policy test examples/policy-tests.yaml",
    ),
    Step(
        "The policy becomes the one that servers decide by; an act like any other, and recorded.",
        "gate policy import examples/policy.yaml --activate --by platform-team",
    ),
    Step(
        "Ten thousand weddings of two years, seven cultures, twelve zones, all or nothing.",
        "gate calendar import examples/calendar.csv --policy examples/policy.yaml"
        " --by platform-team",
    ),
    Step(
        "A deploy on a Saturday in June. Exit code 3: denied, and the decision is recorded.",
        f"gate check {POLICY} --at 2026-06-13T12:00:00Z {PRODUCTION}",
        3,
    ),
    Step(
        "The same deploy on the Tuesday after. Exit code 0: allowed.",
        f"gate check {POLICY} --at 2026-06-16T12:00:00Z {PRODUCTION}",
    ),
    Step(
        "A Wednesday in December that no window names: the weddings' load locks it.",
        f"gate check {POLICY} --at 2026-12-16T12:00:00Z --environment production --service billing",
        3,
    ),
    Step(
        "The two weeks around that Saturday, as a picture.",
        f"gate explain {POLICY} --at 2026-06-09T08:00:00Z --environment production",
    ),
    Step(
        "Capacity of that weekend: the floor of replicas, before the guests come.",
        f"gate plan {POLICY} --from 2026-06-12T12:00:00Z --to 2026-06-15T00:00:00Z",
    ),
    Step("What was recorded.", "gate audit list"),
    Step("Is the ledger whole?", "gate audit verify"),
)


def environment() -> dict[str, str]:
    """As a person has it after activating `.venv`, with the demo's own database."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("GATE_")}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return kept | {
        "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "GATE_DSN": "embedded",
        "GATE_DATA_DIR": str(SERVER),
        "GATE_CACHE_DIR": str(FOLDER / "cache"),
    }


def say(text: str) -> None:
    """Print at once, so that it stands before what a command prints."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def show(step: Step) -> bool:
    """Run one step; whether it ended as it should."""
    say(f"\n{textwrap.fill('# ' + step.why, 98)}\n$ {step.command}")
    code = subprocess.run(
        shlex.split(step.command),
        cwd=ROOT,
        env=environment(),
        stdin=subprocess.DEVNULL,
        check=False,
    ).returncode
    if code == step.exit_code:
        return True
    say(f"demo: exit code {code}, expected {step.exit_code}")
    return False


def main() -> int:
    """Run all steps; 1 where one did not end as it should."""
    started = time.monotonic()
    embedded.stop(SERVER)
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    say("export GATE_DSN=embedded    # a PostgreSQL of the demo's own, under .demo/")
    try:
        wrong = [step for step in STEPS if not show(step)]
    finally:
        embedded.stop(SERVER)
    if wrong:
        say(f"\ndemo: {len(wrong)} of {len(STEPS)} commands did not end as they should")
        return 1
    say(f"\ndemo: {len(STEPS)} commands, {time.monotonic() - started:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
