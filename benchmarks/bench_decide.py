"""How long one decision takes with a thousand and with a million weddings, and what it compiles to.

The peer in the same run is what a gate without a compiled timeline does: ask `dateutil` whether
the instant lies in a Saturday window of each zone with a wedding that day. It knows no load, no
lead, no next change and gives no reasons, and still looks at every zone.

    python benchmarks/bench_decide.py [--most 1000000]
"""

import argparse
import random
import resource
import sys
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec
from dateutil.rrule import WEEKLY, rrule

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.report import median, percentile, publish
from gate.core.decide import Facts, decide
from gate.core.decision import CalendarRef, Request
from gate.core.demand import Calendar, DemandBuilder
from gate.core.document import read_policy
from gate.core.policy import Action, Policy
from gate.core.timeline import compile_timeline
from gate.core.zones import zone, zone_keys

POLICY = b"version: 1\nname: bench\ntimezone: Europe/London\nlead: 2h\n"
FIRST = date(2026, 1, 1)
DAYS = 730
ZONES = sorted(key for key in zone_keys() if key.count("/") == 1 and not key.startswith("Etc"))[
    ::7
][:60]
ASKED = 20_000
ASKED_OF_PEER = 200


def calendar(policy: Policy, weddings: int, seed: int) -> tuple[Calendar, float]:
    """A random calendar in sixty zones, and the seconds that compiling it took."""
    rng = random.Random(seed)  # noqa: S311
    builder = DemandBuilder(policy.load)
    cultures = list(policy.load.cultures)
    streams = {z: builder.stream(z, None, None) for z in ZONES}
    units = {c: builder.unit(c, None, None) for c in cultures}
    for _ in range(weddings):
        culture = rng.choice(cultures)
        first = FIRST.toordinal() + rng.randrange(DAYS)
        days = policy.load.cultures[culture].days
        guests = rng.randrange(20, 600)
        streams[rng.choice(ZONES)].add(first, days, guests * units[culture])
    started = time.perf_counter()
    built = builder.build()
    return built, time.perf_counter() - started


def instants(count: int, seed: int) -> list[datetime]:
    """Random instants of the calendar's two years."""
    rng = random.Random(seed)  # noqa: S311
    start = datetime(2026, 1, 1, tzinfo=UTC)
    return [start + timedelta(seconds=rng.randrange(DAYS * 86_400)) for _ in range(count)]


def peer_is_locked(presence: dict[str, tuple[tuple[int, int], ...]], at: datetime) -> bool:
    """Whether some zone with a wedding has a Saturday at this instant, by `dateutil`."""
    for key in presence:
        local = at.astimezone(zone(key)).replace(tzinfo=None)
        rule = rrule(WEEKLY, dtstart=local - timedelta(days=14), byweekday=5, until=local)
        last = rule.before(local, inc=True)
        if last is not None and last.date() == local.date():
            return True
    return False


def main() -> None:
    """Print and write the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--most", type=int, default=1_000_000)
    most = parser.parse_args().most
    request = Request(action=Action.DEPLOY, invoker="automation", environment="production")
    encode = msgspec.json.Encoder().encode
    rows = []
    for weddings in [n for n in (1_000, 10_000, 100_000, 1_000_000) if n <= most]:
        units = f"load: {{capacity: {{units_per_replica: {weddings * 30 // 1000}}}}}\n"
        policy = read_policy(POLICY + units.encode(), "bench.yaml")
        built, seconds = calendar(policy, weddings, seed=weddings)
        timeline = compile_timeline(policy, built)
        facts = Facts(calendar=CalendarRef(sha256="0" * 64, weddings=built.weddings))
        asked = instants(ASKED, seed=1)
        for at in asked:
            decide(timeline, facts, request, at)
        spent, encoded = [], []
        for at in asked:
            started = time.perf_counter_ns()
            decision = decide(timeline, facts, request, at)
            decided = time.perf_counter_ns()
            encode(decision)
            spent.append((decided - started) / 1000)
            encoded.append((time.perf_counter_ns() - started) / 1000)
        peer = []
        for at in asked[:ASKED_OF_PEER]:
            started = time.perf_counter_ns()
            peer_is_locked(built.presence, at)
            peer.append((time.perf_counter_ns() - started) / 1000)
        rows.append(
            {
                "weddings": weddings,
                "compile s": round(seconds, 3),
                "decide p50 µs": round(median(spent), 2),
                "p99 µs": round(percentile(spent, 99), 2),
                "with JSON p50 µs": round(median(encoded), 2),
                "dateutil p50 µs": round(median(peer), 1),
                "ratio": round(median(spent) / median(peer), 4),
                "peak MiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            }
        )
    notes = [
        "p50 and p99 of 20 000 random instants over two years, compiled once",
        "capacity grows with the weddings, so that the same share of instants is locked",
    ]
    publish("decide", rows, notes)


if __name__ == "__main__":
    main()
