"""The days ahead as values and as a picture: facts that a reader relies on."""

import io
from datetime import timedelta
from itertools import pairwise

import pytest
from rich.console import Console

from gate.cli.sketch import DRAWN, TYPED, Glyphs, draw
from gate.core.decision import Level, ManualLock, Request
from gate.core.outlook import Day, Outlook, State, look_ahead
from gate.core.policy import Action, Policy
from tests.cli.support import instant, policy_of, timeline_of

SATURDAYS = """
lead: 2h
windows:
  - {name: saturday, rrule: "FREQ=WEEKLY;BYDAY=SA", zones: [home]}
"""
DEPLOY = Request(action=Action.DEPLOY, invoker="automation")


def outlook(
    policy: Policy,
    at: str,
    *,
    days: int = 14,
    request: Request = DEPLOY,
    weddings: tuple[tuple[str, str, int], ...] = (),
    locks: tuple[ManualLock, ...] = (),
) -> Outlook:
    timeline, facts = timeline_of(policy, weddings, locks)
    return look_ahead(timeline, facts, request, instant(at), days)


def drawn(view: Outlook, policy: Policy, *, glyphs: Glyphs = DRAWN, width: int = 80) -> list[str]:
    stream = io.StringIO()
    draw(Console(file=stream, width=width), view, policy, glyphs)
    return stream.getvalue().splitlines()


def states(day: Day) -> str:
    return "".join(DRAWN.states[cell.state] for cell in day.cells)


def row(lines: list[str], label: str) -> str:
    return next(line for line in lines if line.strip().startswith(label))


def test_a_plain_week_is_open_but_for_the_lead_and_the_saturday() -> None:
    view = outlook(policy_of(SATURDAYS), "2026-06-10T12:00:00Z", days=5)
    assert [str(day.date) for day in view.days] == [f"2026-06-{d}" for d in range(10, 15)]
    assert [states(day) for day in view.days] == [
        "·" * 24,
        "·" * 24,
        "·" * 22 + "╱╱",
        "█" * 24,
        "·" * 24,
    ]


@pytest.mark.parametrize(
    ("zone", "day", "hours", "shown"),
    [
        ("Europe/London", "2026-03-29", 23, 23),
        ("Europe/London", "2026-10-25", 25, 25),
        ("Australia/Lord_Howe", "2026-10-04", 23.5, 24),
        ("Australia/Lord_Howe", "2026-04-05", 24.5, 25),
        ("Asia/Kathmandu", "2026-06-13", 24, 24),
    ],
)
def test_a_day_has_the_hours_of_its_wall_clock(
    zone: str, day: str, hours: float, shown: int
) -> None:
    policy = policy_of(f"timezone: {zone}\nwindows: []\n")
    view = outlook(policy, f"{day}T12:00:00Z", days=1)
    cells = view.days[0].cells
    assert str(view.days[0].date) == day
    assert len(cells) == shown
    assert cells[-1].end - cells[0].start == timedelta(hours=hours)
    assert all(a.end == b.start for a, b in pairwise(cells))


def test_the_wall_clock_of_a_change_is_kept_in_the_picture() -> None:
    policy = policy_of(SATURDAYS)
    spring = drawn(outlook(policy, "2026-03-28T12:00:00Z", days=2), policy)
    # 01:00 to 02:00 does not exist: a hole keeps every later hour in its column.
    assert row(spring, "Sun 29 Mar")[12:36] == "· " + "·" * 22
    assert any("Sun 29 Mar has 23 hours: the clock goes forward" in line for line in spring)
    autumn = drawn(outlook(policy, "2026-10-24T12:00:00Z", days=2), policy)
    assert row(autumn, "Sun 25 Oct")[12:37] == "·" * 25
    assert any("Sun 25 Oct has 25 hours: the clock goes back" in line for line in autumn)


def test_a_date_that_a_zone_skipped_has_no_hours() -> None:
    policy = policy_of("timezone: Pacific/Apia\nwindows: []\n")
    view = outlook(policy, "2011-12-29T20:00:00Z", days=2)
    assert [(str(day.date), len(day.cells)) for day in view.days] == [
        ("2011-12-29", 24),
        ("2011-12-30", 0),
    ]
    assert "the clock skips this date" in row(drawn(view, policy), "Fri 30 Dec")


def test_an_hour_shows_the_strictest_that_holds_in_it() -> None:
    policy = policy_of("""
lead: 30m
windows:
  - {name: short, start: "2026-06-10T10:40:00Z", end: "2026-06-10T10:41:00Z"}
  - {name: pause, kind: open, start: "2026-06-10T14:00:00Z", end: "2026-06-10T14:30:00Z"}
""")
    lock = ManualLock(
        id="7", start=instant("2026-06-10T17:59:59.999999Z"), end=None, by="ann", reason="a leak"
    )
    view = outlook(policy, "2026-06-10T00:00:00Z", days=1, locks=(lock,))
    by_hour = {cell.hour: cell.state for cell in view.days[0].cells}
    # London is an hour ahead of UTC in June.
    assert by_hour[10] is State.OPEN
    assert by_hour[11] is State.WINDOW
    assert by_hour[12] is State.OPEN
    assert by_hour[15] is State.EXCEPTED
    assert by_hour[17] is State.OPEN
    assert by_hour[18] is State.MANUAL
    assert by_hour[23] is State.MANUAL


def test_a_lead_from_the_day_before_shows_although_its_lock_is_not_in_view() -> None:
    view = outlook(policy_of(SATURDAYS), "2026-06-12T12:00:00Z", days=1)
    assert states(view.days[0]).endswith("·╱╱")
    assert view.locked == ()


def test_load_locks_and_its_height_stand_beside_the_windows() -> None:
    policy = policy_of("windows: []\nlevel_lock: {at: HIGH, join: 0s}\n")
    view = outlook(policy, "2026-06-10T00:00:00Z", days=2,
                   weddings=(("2026-06-11", "Europe/London", 90_000),))  # fmt: skip
    wednesday, thursday = view.days
    assert {cell.state for cell in wednesday.cells} == {State.OPEN}
    peak = max(thursday.cells, key=lambda cell: cell.needed)
    assert (peak.hour, peak.level, peak.state) == (14, Level.MAXIMUM, State.LEVEL)
    lines = drawn(view, policy)
    assert row(lines, "Thu 11 Jun").split()[-2:] == ["50", "MAXIMUM"]
    assert "▒" in row(lines, "Thu 11 Jun")
    assert row(lines, "Wed 10 Jun")[38:62].strip() == ""
    over = outlook(policy, "2026-06-10T00:00:00Z", days=2,
                   weddings=(("2026-06-11", "Europe/London", 96_000),))  # fmt: skip
    assert row(drawn(over, policy), "Thu 11 Jun").endswith("54/50 MAXIMUM")


def test_the_answer_comes_first() -> None:
    policy = policy_of(SATURDAYS)
    denied = drawn(outlook(policy, "2026-06-13T12:00:00Z"), policy)
    assert denied[0].split() == ["NO", "deploy", "by", "automation"]
    assert "Sat 13 Jun 2026 13:00 +0100, Europe/London" in denied[1]
    assert "allowed again from Sun 14 Jun 2026 00:00 +0100, in 11h" in denied[2]
    assert "window saturday" in denied[3]
    near = drawn(outlook(policy, "2026-06-12T12:00:00Z"), policy)
    assert near[2].split()[:3] == ["soon", "denied", "from"]
    open_ = drawn(outlook(policy, "2026-06-10T12:00:00Z"), policy)
    assert open_[0].startswith(" YES ")
    assert "denied from Fri 12 Jun 2026 22:00 +0100, in 2d 9h" in open_[2]


def test_an_action_that_a_lock_allows_says_so() -> None:
    policy = policy_of(SATURDAYS)
    request = Request(action=Action.ROLLBACK, invoker="human")
    lines = drawn(outlook(policy, "2026-06-13T12:00:00Z", request=request), policy)
    assert lines[0].startswith(" YES  rollback by a person")
    assert any("phase locked, in which rollback stays allowed" in line for line in lines)
    assert any("locked (allowed): █ window" in line for line in lines)
    assert any("this stays so for 400 days at least" in line for line in lines)


def test_mode_warn_says_that_it_only_warns() -> None:
    policy = policy_of(f"mode: warn\n{SATURDAYS}")
    assert drawn(outlook(policy, "2026-06-13T12:00:00Z"), policy)[0].startswith(
        " NO, but only warned "
    )


@pytest.mark.parametrize(("at", "column"), [("00:10", 0), ("09:30", 9), ("23:59", 23)])
def test_the_pointer_stands_under_the_present_hour(at: str, column: int) -> None:
    policy = policy_of("timezone: UTC\nwindows: []\n")
    lines = drawn(outlook(policy, f"2026-06-10T{at}:00Z", days=2), policy)
    pointer = next(line for line in lines if "here, " in line)
    assert [index for index, glyph in enumerate(pointer) if glyph == "▲"] == [
        12 + column,
        12 + 24 + 2 + column,
    ]
    assert f"here, {at}" in pointer
    assert lines.index(pointer) == lines.index(row(lines, "Wed 10 Jun")) + 1


@pytest.mark.parametrize("glyphs", [DRAWN, TYPED])
def test_every_state_has_a_glyph_of_its_own(glyphs: Glyphs) -> None:
    assert len(set(glyphs.states.values())) == len(State)
    assert set(glyphs.states) == set(State)
    assert len(set(glyphs.load)) == len(glyphs.load)


def test_typed_pictures_are_ascii() -> None:
    policy = policy_of(SATURDAYS)
    view = outlook(policy, "2026-10-20T12:00:00Z",
                   weddings=(("2026-10-21", "Europe/London", 99_000),))  # fmt: skip
    text = "\n".join(drawn(view, policy, glyphs=TYPED))
    assert text.isascii()
    assert "#" * 24 in text


def test_the_picture_fits_eighty_columns_with_every_state_in_it() -> None:
    policy = policy_of(SATURDAYS.rstrip() + """
  - {name: night, kind: open, start: "2026-10-24T10:00:00Z", end: "2026-10-24T13:00:00Z"}
""")  # fmt: skip
    lock = ManualLock(
        id="7",
        start=instant("2026-10-25T10:00:00Z"),
        end=instant("2026-10-25T12:00:00Z"),
        by="ann",
        reason="a leak",
    )
    weddings = (("2026-10-28", "Europe/London", 110_000),)
    view = outlook(policy, "2026-10-23T23:30:00Z", weddings=weddings, locks=(lock,))
    assert {cell.state for day in view.days for cell in day.cells} == set(State)
    assert max(len(line) for line in drawn(view, policy)) <= 80


def test_a_wide_terminal_gets_wider_hours() -> None:
    policy = policy_of(SATURDAYS)
    lines = drawn(outlook(policy, "2026-06-12T12:00:00Z", days=2), policy, width=140)
    assert "█" * 48 in row(lines, "Sat 13 Jun")


def test_the_first_and_last_years_can_be_drawn() -> None:
    policy = policy_of(SATURDAYS)
    first = outlook(policy, "1970-01-01T00:00:00Z")
    last = outlook(policy, "2199-12-31T23:59:59Z")
    assert len(first.days) == len(last.days) == 14
