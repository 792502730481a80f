"""A judge for a long run: files that change, a database that comes and goes."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest

from gate.cli.following import LONGEST_OUTAGE_SECONDS, Following
from gate.cli.recorder import Recorder
from gate.core.decision import Decision, Effect, ManualLock, Override, Request, Verdict
from gate.core.policy import Action
from gate.store import StoreUnavailable

NOW = datetime(2026, 6, 10, 12, tzinfo=UTC)
REQUEST = Request(action=Action.DEPLOY, invoker="automation", repository="acme/bookings")
OPEN = "version: 1\ntimezone: UTC\nwindows: []\nlevel_lock: {at: never}\n"
LOCK = ManualLock(id="l", start=NOW - timedelta(hours=1), end=None, by="ann", reason="cake")


class Database:
    """Stands in for the ledger's connection, so that its outages can be made."""

    def __init__(self) -> None:
        self.locks: tuple[ManualLock, ...] = ()
        self.down = False
        self.opened = 0
        self.recorded: list[Decision] = []

    def open(self) -> Recorder:
        self._check()
        self.opened += 1
        return cast("Recorder", self)

    def locks_and_overrides(self) -> tuple[tuple[ManualLock, ...], tuple[Override, ...]]:
        self._check()
        return self.locks, ()

    def next_id(self) -> str:
        return f"id-{len(self.recorded)}"

    def record(self, decisions: list[Decision]) -> None:
        self._check()
        self.recorded += decisions

    def close(self) -> None:
        pass

    def _check(self) -> None:
        if self.down:
            raise StoreUnavailable("the database is away")


class Kit:
    def __init__(self, folder: Path) -> None:
        self.policy = folder / "policy.yaml"
        self.policy.write_text(OPEN)
        self.calendar = folder / "calendar.csv"
        example = Path(__file__).parents[2] / "examples" / "calendar.csv"
        with example.open() as lines:
            self.calendar.write_text(next(lines))
        self.said: list[str] = []
        self.seconds = 0.0
        self.database = Database()

    def following(self, recorder: Callable[[], Recorder] | None = None) -> Following:
        return Following(
            str(self.policy),
            [str(self.calendar)],
            recorder,
            monotonic=lambda: self.seconds,
            tell=self.said.append,
        )


@pytest.fixture
def kit(tmp_path: Path) -> Kit:
    return Kit(tmp_path)


def test_an_edit_is_taken_up_and_a_bad_one_is_not(kit: Kit) -> None:
    judge = kit.following()
    judge.refresh()
    assert judge.preview(REQUEST, NOW).effect is Effect.ALLOW
    kit.policy.write_text("nonsense: [")
    judge.refresh()
    judge.refresh()
    assert judge.preview(REQUEST, NOW).effect is Effect.ALLOW
    assert kit.said[-1] == "what was read before still holds"
    assert len(kit.said) == 2, "said once"
    kit.policy.write_text(
        OPEN.replace("[]", "[{name: w, start: 2026-06-10T00:00, end: 2026-06-11T00:00}]")
    )
    judge.refresh()
    assert judge.preview(REQUEST, NOW).effect is Effect.BLOCK
    kit.policy.unlink()
    judge.refresh()
    assert judge.preview(REQUEST, NOW).verdict is Verdict.DENY


def test_files_that_were_never_good_decide_nothing(kit: Kit) -> None:
    kit.policy.write_text("nonsense: [")
    judge = kit.following()
    judge.refresh()
    assert judge.preview(REQUEST, NOW).verdict is Verdict.UNDECIDED
    kit.policy.write_text(OPEN)
    judge.refresh()
    assert judge.preview(REQUEST, NOW).verdict is Verdict.ALLOW


def test_locks_come_and_go(kit: Kit) -> None:
    judge = kit.following(kit.database.open)
    for locks, effect in (((), Effect.ALLOW), ((LOCK,), Effect.BLOCK), ((), Effect.ALLOW)):
        kit.database.locks = locks
        judge.refresh()
        assert judge.preview(REQUEST, NOW).effect is effect
    assert kit.database.opened == 1


def test_a_database_that_is_away_keeps_the_locks_for_a_while(kit: Kit) -> None:
    kit.database.locks = (LOCK,)
    judge = kit.following(kit.database.open)
    judge.refresh()
    kit.database.down = True
    kit.seconds = LONGEST_OUTAGE_SECONDS
    judge.refresh()
    assert judge.preview(REQUEST, NOW).verdict is Verdict.DENY
    kit.seconds += 1
    judge.refresh()
    assert judge.preview(REQUEST, NOW).verdict is Verdict.UNDECIDED
    assert kit.said == ["the database is away"]
    kit.database.down = False
    judge.refresh()
    assert judge.preview(REQUEST, NOW).verdict is Verdict.DENY
    assert kit.said[-1] == "the database answers again"


def test_a_database_that_was_never_there_decides_nothing(kit: Kit) -> None:
    kit.database.down = True
    judge = kit.following(kit.database.open)
    judge.refresh()
    assert judge.preview(REQUEST, NOW).verdict is Verdict.UNDECIDED
    assert judge(REQUEST, NOW).verdict is Verdict.UNDECIDED


def test_what_is_answered_is_recorded_or_undecided(kit: Kit) -> None:
    judge = kit.following(kit.database.open)
    judge.refresh()
    made = judge(REQUEST, NOW)
    assert (made.verdict, made.recorded) == (Verdict.ALLOW, True)
    assert kit.database.recorded == [made]
    kit.database.down = True
    assert judge(REQUEST, NOW).verdict is Verdict.UNDECIDED


def test_without_a_database_nothing_is_recorded(kit: Kit) -> None:
    judge = kit.following()
    judge.refresh()
    made = judge(REQUEST, NOW)
    assert (made.verdict, made.recorded) == (Verdict.ALLOW, False)
    assert made.id
