"""`gate webhook`, its journal on disk, beside webhooks that record nothing: OPA, Kyverno,
Gatekeeper, and a bare one in Go. All are plain processes on loopback, with TLS.

    python benchmarks/bench_webhook.py [--rounds 5] [--seconds 6] [--verdict deny] [--only NAME…]
        [--patches 400]

Each is asked about the same change, once where its freeze holds and once where it does not, before
anything is timed: one that decides wrongly is not timed. Then wrk drives each in turn, round by
round. A peer that cannot be built or run here is left out, with the reason. See
docs/how-to/benchmark-webhook.md.
"""

import argparse
import contextlib
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.webhook import direct, patching
from benchmarks.webhook.drive import find_wrk
from benchmarks.webhook.freeze import FROZEN, OPEN
from benchmarks.webhook.gatekeeper import Gatekeeper
from benchmarks.webhook.kyverno import Kyverno
from benchmarks.webhook.ours import Ours
from benchmarks.webhook.simple import Bare, Opa
from benchmarks.webhook.site import MissingTargetError, Site, opened
from benchmarks.webhook.target import Target

PREFIXES = {"deny": FROZEN, "allow": OPEN}
_BASE = Path.home() / ".cache" / "saturday-gate"


def targets(site: Site, weddings: int) -> list[Target]:
    """All that can be compared."""
    return [
        Bare(site),
        Opa(site),
        Kyverno(site, events=True),
        Kyverno(site, events=False),
        Gatekeeper(site),
        Ours(site, workers=1, weddings=weddings),
        Ours(site, workers=2, weddings=weddings),
    ]


@contextlib.contextmanager
def running(wanted: Sequence[Target]) -> Iterator[tuple[list[Target], dict[str, str]]]:
    """Those that decide rightly, and why the others do not run."""
    there: list[Target] = []
    missing: dict[str, str] = {}
    try:
        for target in wanted:
            try:
                there.append(target)
                target.start()
                sys.stderr.write(f"{target.name} decides rightly\n")
            except (MissingTargetError, AssertionError, OSError) as error:
                there.remove(target)
                target.stop()
                missing[target.name] = str(error)
                sys.stderr.write(f"{target.name} is missing: {error}\n")
        yield there, missing
    finally:
        for target in there:
            target.stop()


def main() -> None:
    """Print and write the tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=6, help="of each round")
    parser.add_argument("--verdict", choices=PREFIXES, action="append", help="default: both")
    parser.add_argument("--only", action="append", metavar="NAME", help="part of a target's name")
    parser.add_argument("--weddings", type=int, default=100_000, help="in the gate's calendar")
    parser.add_argument("--disk", type=Path, default=_BASE, metavar="DIR",
                        help="a folder on the disk that the journals shall be on")  # fmt: skip
    parser.add_argument("--patches", type=int, default=400, metavar="N",
                        help="through an API server, under each target; 0: none")  # fmt: skip
    given = parser.parse_args()
    try:
        find_wrk()
    except FileNotFoundError as error:
        raise SystemExit(f"bench_webhook: {error}") from None
    with opened(given.disk) as site:
        wanted = [
            target
            for target in targets(site, given.weddings)
            if not given.only or any(part in target.name for part in given.only)
        ]
        with running(wanted) as (there, missing):
            for verdict in given.verdict or PREFIXES:
                direct.measure(
                    verdict,
                    PREFIXES[verdict],
                    there,
                    missing,
                    rounds=given.rounds,
                    seconds=given.seconds,
                )
            if given.patches:
                patching.measure(site, there, missing, cycles=given.patches)


if __name__ == "__main__":
    main()
