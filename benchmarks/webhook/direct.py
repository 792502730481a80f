"""The first half: wrk against each target in turn, and what came of it."""

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.report import median, publish
from benchmarks.webhook.disk import file_system, sync_ms
from benchmarks.webhook.drive import CONNECTIONS, Round, drive, wait_quiet, warm_up
from benchmarks.webhook.figures import table
from benchmarks.webhook.freeze import direct
from benchmarks.webhook.ours import Ours
from benchmarks.webhook.review import review
from benchmarks.webhook.target import Target

_WARM_SECONDS = 2


def measure(
    verdict: str,
    prefix: str,
    targets: Sequence[Target],
    missing: Mapping[str, str],
    *,
    rounds: int,
    seconds: int,
) -> None:
    """Drive all with reviews that get one verdict, print the table, write it."""
    taken, failed, noisy = _rounds(prefix, targets, rounds, seconds)
    if not taken:
        raise SystemExit("bench_webhook: no target could be timed")
    disk = targets[0].site.folder
    kib = len(review(direct(prefix))) / 1024
    ours = [each for each in targets if isinstance(each, Ours) and each.name in taken]
    notes = [
        f"{rounds} rounds of {seconds} s in turn, medians; {CONNECTIONS} keep-alive connections "
        f"with TLS, wrk on the same machine, reviews of {kib:.1f} KiB, "
        f"verdict: {verdict}",
        f"the journals' disk ({file_system(disk)}) keeps 512 bytes in {sync_ms(disk):.2f} ms",
        f"rounds before which the machine was not quiet: {noisy} of {rounds * len(targets)}; "
        f"load now {os.getloadavg()[0]:.1f}",
        *(f"missing: {name}: {reason}" for name, reason in {**missing, **failed}.items()),
    ]
    publish(f"webhook-{verdict}", [_row(name, each) for name, each in taken.items()], notes)
    if ours:
        note = f"medians of the ratios of each round; {ours[0].weddings} weddings in the calendar"
        figures = table(taken, [each.name for each in ours])
        publish(f"webhook-{verdict}-figures", figures, [note])


def _rounds(
    prefix: str, targets: Sequence[Target], rounds: int, seconds: int
) -> tuple[dict[str, list[Round]], dict[str, str], int]:
    taken: dict[str, list[Round]] = {}
    failed: dict[str, str] = {}
    noisy = 0
    for number in range(rounds + 1):
        # No target always follows the same one.
        turn = number % len(targets)
        for target in (*targets[turn:], *targets[:turn]):
            if target.name in failed:
                continue
            noisy += not wait_quiet() and number > 0
            try:
                target.check()
                if number == 0:
                    warm_up(target, prefix, _WARM_SECONDS)
                else:
                    one = drive(target, prefix, seconds)
                    taken.setdefault(target.name, []).append(one)
                    sys.stderr.write(f"round {number}: {target.name}: {one.rate:.0f}/s\n")
            except RuntimeError as error:
                failed[target.name] = str(error)
                taken.pop(target.name, None)
    return {t.name: taken[t.name] for t in targets if t.name in taken}, failed, noisy


def _row(name: str, rounds: Sequence[Round]) -> dict[str, Any]:
    rates = [each.rate for each in rounds]
    rss = rounds[-1].rss_mib
    return {
        "target": name,
        "decisions/s": round(median(rates)),
        "least": round(min(rates)),
        "most": round(max(rates)),
        "p50 ms": round(median([each.p50_ms for each in rounds]), 2),
        "p99 ms": round(median([each.p99_ms for each in rounds]), 1),
        "CPU s/1000": round(median([each.cpu_per_1000 for each in rounds]), 3),
        "RSS MiB of each process": " + ".join(f"{each:.0f}" for each in rss),
    }
