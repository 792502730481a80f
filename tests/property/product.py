"""The only file here that knows how the product is called: plain values in, contract JSON out."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from gate.calendars import read_calendars
from gate.core.decide import Facts, decide
from gate.core.decision import CalendarRef, ManualLock, Request
from gate.core.document import read_policy
from gate.core.instants import duration_micros, micros
from gate.core.listing import locked_stretches
from gate.core.plan import load_samples, plan_changes
from gate.core.policy import Scope
from gate.core.timeline import Timeline, compile_timeline
from gate.core.zones import offsets
from tests.property.strategies import Case
from tests.property.writers import calendar_bytes, policy_bytes
from tests.twin.document import instant

Json = dict[str, Any]
# What the contract leaves to each answer, and so cannot be compared.
FREE = {"id", "recorded", "sha256", "message", "by", "reason"}


def comparable(value: Any) -> Any:
    """The answer without what is free in it; manual locks, whose order is free, by their id."""
    if isinstance(value, Mapping):
        return {key: comparable(item) for key, item in value.items() if key not in FREE}
    if isinstance(value, list):
        items = [comparable(item) for item in value]
        if items and isinstance(items[0], Mapping):
            items.sort(key=lambda item: str(item.get("lock", "")))
        return items
    return value


def product_readings(key: str, local: datetime) -> tuple[datetime, datetime]:
    """The earlier and the later instant of a local time (naive)."""
    wall = micros(local.replace(tzinfo=UTC)) // 10**6
    first, last = offsets(key, local.year, local.year).readings(wall)
    return datetime.fromtimestamp(first, UTC), datetime.fromtimestamp(last, UTC)


class Product:
    """The product's pure functions on one case, read from the bytes of its files."""

    def __init__(self, case: Case, policy_form: str = "yaml", calendar_form: str = "csv") -> None:
        self._locks = [_manual(lock) for lock in case.locks]
        data = policy_bytes(case.document, policy_form)
        self.policy = read_policy(data, f"policy.{policy_form}")
        with TemporaryDirectory() as folder:
            path = Path(folder, f"weddings.{calendar_form}")
            path.write_bytes(calendar_bytes(case.rows, calendar_form))
            self.calendar = read_calendars([path], self.policy.load).calendar

    @cached_property
    def timeline(self) -> Timeline:
        """The compiled timeline of the case."""
        return compile_timeline(self.policy, self.calendar, self._locks)

    def decide(self, request: Mapping[str, str], at: datetime) -> Json:
        """The decision."""
        weddings = self.calendar.weddings
        facts = Facts(calendar=CalendarRef(sha256=None, weddings=weddings), overrides=())
        return _object(decide(self.timeline, facts, _request(request), at))

    def windows(self, request: Mapping[str, str], start: datetime, end: datetime) -> list[Json]:
        """The locked stretches of ``[start, end)``."""
        asked = _request(request)
        return _rows(locked_stretches(self.timeline, asked, micros(start), micros(end)))

    def load(self, start: datetime, end: datetime, step: timedelta) -> list[Json]:
        """The load at every step of ``[start, end)``."""
        span = micros(start), micros(end), duration_micros(step)
        demand, capacity = self.calendar.demand, self.policy.load.capacity
        return _rows(load_samples(demand, capacity, *span))

    def plan(
        self,
        start: datetime,
        end: datetime,
        *,
        ahead: timedelta,
        hold: timedelta,
        continuous: bool = False,
    ) -> list[Json]:
        """The changes of the floor in ``[start, end)``."""
        changes = plan_changes(
            self.calendar.demand,
            self.policy.load.capacity,
            micros(start),
            micros(end),
            ahead=duration_micros(ahead),
            hold=duration_micros(hold),
            continuous=continuous,
        )
        return _rows(changes)


class CommandLine:
    """The product's commands on the files of one case."""

    def __init__(self, folder: Path, case: Case, policy_form: str, calendar_form: str) -> None:
        self.policy = folder / f"policy.{policy_form}"
        self.policy.write_bytes(policy_bytes(case.document, policy_form))
        self.calendar = folder / f"weddings.{calendar_form}"
        self.calendar.write_bytes(calendar_bytes(case.rows, calendar_form))

    def words(self, command: str, *options: str) -> list[str]:
        """The words after ``gate``."""
        files = ["--policy", str(self.policy), "--calendar", str(self.calendar)]
        return [command, *files, *options]

    def run(
        self,
        command: str,
        *options: str,
        stdin: str = "",
        environment: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """One run of the command, in a process of its own."""
        start = "import sys; from gate.cli.main import main; sys.exit(main())"
        return subprocess.run(
            [sys.executable, "-c", start, *self.words(command, *options)],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, **(environment or {})},
        )

    def batch(self, lines: Sequence[str], **more: Any) -> tuple[list[Json], int]:
        """The answers of ``check --batch -`` to the lines, and its exit code."""
        done = self.run("check", "--batch", "-", stdin="".join(f"{x}\n" for x in lines), **more)
        assert done.returncode != 1, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()], done.returncode

    def listing(self, command: str, *options: str) -> list[Json]:
        """The JSON of ``windows``, ``load`` or ``plan``."""
        done = self.run(command, *options, "--json")
        assert done.returncode == 0, done.stderr
        answer: list[Json] = json.loads(done.stdout)
        return answer


@contextmanager
def command_line(
    case: Case, policy_form: str = "yaml", calendar_form: str = "csv"
) -> Iterator[CommandLine]:
    """The commands on files that last as long as the context."""
    with TemporaryDirectory() as folder:
        yield CommandLine(Path(folder), case, policy_form, calendar_form)


def _object(value: object) -> Json:
    answer: Json = json.loads(msgspec.json.encode(value))
    return answer


def _rows(values: Iterable[object]) -> list[Json]:
    return [_object(value) for value in values]


def _request(asked: Mapping[str, str]) -> Request:
    given = {key: value for key, value in asked.items() if value}
    return msgspec.convert({"action": "deploy", "invoker": "automation", **given}, Request)


def _manual(lock: Mapping[str, Any]) -> ManualLock:
    end = lock.get("end")
    return ManualLock(
        id=lock["id"],
        start=instant(lock["start"]),
        end=instant(end) if end else None,
        by="bob",
        reason="the cake fell over",
        scope=msgspec.convert(lock.get("scope", {}), Scope),
        actions=msgspec.convert(lock.get("actions", []), ManualLock.__annotations__["actions"]),
    )
