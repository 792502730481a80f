"""Kill the webhook, PostgreSQL or both at random moments under load, many times.

    python -m tests.webhook.killing --rounds 100 [--seed N]

Afterwards every decision that was answered must be in the ledger exactly once, and its chain must
verify. A run of a few rounds is a test; a hundred are run by hand.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from gate.ledger.verify import verify
from gate.store import embedded
from gate.store.connect import Target, connect, connect_anyway, store_errors
from gate.store.migrations import migrate
from tests.servers import REPOSITORY
from tests.webhook.certificates import Pair
from tests.webhook.gate_webhook import GateWebhook, authority_of, until
from tests.webhook.inputs import write_inputs
from tests.webhook.load import Load

_MOST_BETWEEN = 400


@dataclass(frozen=True)
class Outcome:
    """What came of it: decisions answered, rows in the ledger, and what is wrong."""

    rounds: int
    answered: int
    rows: int
    missing: int
    doubled: int
    chain: str | None
    first_misses: tuple[str, ...] = ()

    @property
    def sound(self) -> bool:
        return not self.missing and not self.doubled and self.chain is None and self.answered > 0


def kill_and_count(
    folder: Path, options: list[str], rounds: int, chance: random.Random,
    say: Callable[[str], None] = lambda _: None,
) -> Outcome:  # fmt: skip
    """Run the rounds in ``folder`` with a PostgreSQL of its own; see the module."""
    target = Target(dsn="embedded", schema="gate", embedded_folder=folder / "postgres")
    server = embedded.ensure(target.embedded_folder)
    try:
        with connect_anyway(target) as connection:
            migrate(connection, target.schema)
        answered = _rounds(folder, options, rounds, chance, say, server)
        embedded.ensure(target.embedded_folder)
        _ship(folder, server.dsn())
        return _judge(target, rounds, answered)
    finally:
        embedded.stop(target.embedded_folder, immediate=True)


def _rounds(
    folder: Path, options: list[str], rounds: int, chance: random.Random,
    say: Callable[[str], None], database: embedded.Server,
) -> list[str]:  # fmt: skip
    answered: list[str] = []
    for number in range(1, rounds + 1):
        victims = chance.choice([("webhook",), ("postgres",), ("webhook", "postgres")])
        if "postgres" in victims:
            embedded.ensure(database.base)
        webhook = _start(folder, options, database.dsn())
        with Load(webhook, clients=4) as load:
            wanted = chance.randint(1, _MOST_BETWEEN)
            until(lambda load=load, wanted=wanted: len(load.answered) >= wanted, 60.0)
            if "postgres" in victims:
                _kill_postgres(database.base)
            if "webhook" in victims:
                _kill_group(webhook)
            else:
                # It goes on without its database.
                so_far = len(load.answered)
                until(lambda load=load, n=so_far: len(load.answered) >= n + 20, 60.0)
        if "webhook" not in victims:
            _kill_group(webhook)
        answered += load.answered
        if "postgres" in victims and chance.random() < 0.7:
            embedded.ensure(database.base)
        say(f"round {number}: killed {' and '.join(victims)}, {len(load.answered)} answered")
    return answered


def _start(folder: Path, options: list[str], dsn: str) -> GateWebhook:
    authority = authority_of(folder)
    pair = Pair(folder / "server.crt", folder / "server.key")
    if not pair.certificate.exists():
        authority.issue("server")
    return GateWebhook(folder, authority, pair, [*options, "--dsn", dsn, "--drain", "0s"], {})


def _kill_group(webhook: GateWebhook) -> None:
    """SIGKILL for the supervisor, its workers and its keeper at once."""
    os.killpg(webhook.process.pid, signal.SIGKILL)
    webhook.kill()


def _kill_postgres(base: Path) -> None:
    """SIGKILL for the postmaster and all of its children."""
    pid = int((base / "data" / "postmaster.pid").read_text().splitlines()[0])
    family = [pid, *_children(pid)]
    for each in family:
        os.kill(each, signal.SIGKILL)


def _children(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(word) for word in text.split()]


def _ship(folder: Path, dsn: str) -> None:
    """What no keeper came to ship is shipped by the command for it.

    Files may stay: a keeper that was orphaned may still have its hand on one.
    """
    done = subprocess.run(
        [sys.executable, "-m", "gate", "journal", "ship", str(folder / "journal"), "--dsn", dsn],
        capture_output=True, text=True, check=False, cwd=REPOSITORY,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def _judge(target: Target, rounds: int, answered: list[str]) -> Outcome:
    with connect(target) as connection, store_errors():
        rows = connection.execute("SELECT id::text FROM saturday_protection_audit").fetchall()
        chain = verify(connection)
    found = Counter(row[0] for row in rows)
    missing = [each for each in answered if each not in found]
    return Outcome(
        rounds=rounds,
        answered=len(answered),
        rows=len(rows),
        missing=len(missing),
        doubled=sum(1 for count in found.values() if count > 1),
        chain=None if chain.ok else chain.why,
        first_misses=tuple(missing[:5]),
    )


def main() -> int:
    """Run the rounds that were asked for, and say what came of them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)
    with TemporaryDirectory(prefix="gate-killing-") as name:
        folder = Path(name)
        outcome = kill_and_count(
            folder, write_inputs(folder)("locked"), given.rounds, random.Random(given.seed),
            lambda text: print(text, flush=True),
        )  # fmt: skip
    print(outcome)
    return 0 if outcome.sound else 1


if __name__ == "__main__":
    sys.exit(main())
