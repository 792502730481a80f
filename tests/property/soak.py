"""Compare the product with the twin for as long as you like.

``python -m tests.property.soak --seconds 600 --seed 1`` draws new cases until the time is over. The
first disagreement is made as small as hypothesis can, written as files with the command lines that
show it, and ends the run with exit code 1.
"""

import argparse
import json
import shlex
import sys
import time
from collections.abc import Callable
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.property import checks
from tests.property.checks import DisagreementError, products
from tests.property.product import CommandLine, Product
from tests.property.strategies import Case

CHECKS = (checks.decisions, checks.phases, checks.listings, checks.loads, checks.plans)
ROUND = 100
PROFILE = settings(
    max_examples=ROUND,
    deadline=None,
    database=None,
    phases=(Phase.generate, Phase.shrink),
    # Cases with long rules and leads take the twin seconds; slowness is no failure here.
    suppress_health_check=(HealthCheck.too_slow,),
)


def one_round(check: Callable[[tuple[Case, Product], st.DataObject], None], number: int) -> None:
    """A hundred new cases of one comparison."""

    @seed(number)
    @PROFILE
    @given(products(), st.data())
    def compare(pair: tuple[Case, Product], data: st.DataObject) -> None:
        check(pair, data)

    compare()


def dump(found: DisagreementError, folder: Path) -> None:
    """Write the case as files, and how to show it."""
    folder.mkdir(parents=True, exist_ok=True)
    gate = CommandLine(folder, found.case, "yaml", "json")
    lines = [
        f"product: {json.dumps(found.product, indent=1)}",
        f"twin: {json.dumps(found.twin, indent=1)}",
        f"manual locks: {json.dumps(found.case.locks)}",
        "reproduce (where there are no manual locks):",
        shlex.join(["gate", *gate.words(found.command[0], *found.command[1:])]),
    ]
    (folder / "disagreement.txt").write_text("\n".join(lines) + "\n")


def main() -> int:
    """Run until the time is over or something differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, default=Path("soak"), help="for what is found")
    options = parser.parse_args()
    begun = time.monotonic()
    number = 0
    while time.monotonic() - begun < options.seconds:
        check = CHECKS[number % len(CHECKS)]
        try:
            one_round(check, options.seed * 1_000_003 + number)
        except DisagreementError as found:
            dump(found, options.folder)
            print(f"{check.__name__}: {found}\nwhole: {options.folder}/", file=sys.stderr)
            return 1
        number += 1
        passed = time.monotonic() - begun
        print(f"{passed:7.1f} s  {number * ROUND:7d} cases  {check.__name__} agree", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
