"""What GitHub asks for, and the pace that it sets, as values."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.github.limits import Pace, Wait, Window, asked_wait, is_public

NOW = datetime(2026, 6, 13, 12, tzinfo=UTC)
EPOCH = NOW.timestamp()


@pytest.mark.parametrize(
    ("status", "headers", "message", "wait"),
    [
        (200, {"retry-after": "5"}, "", None),
        (403, {}, "Resource not accessible by integration", None),
        (404, {"x-ratelimit-remaining": "0"}, "", None),
        (502, {"retry-after": "5"}, "", None),
        (503, {}, "", None),
        (503, {"retry-after": "5"}, "", Wait(seconds=5)),
        (403, {"retry-after": "61"}, "", Wait(seconds=61)),
        (429, {"retry-after": "-3"}, "", Wait(seconds=None)),
        (429, {"retry-after": "soon"}, "", Wait(seconds=None)),
        (429, {"retry-after": "Sat, 13 Jun 2026 12:00:30 GMT"}, "", Wait(seconds=30)),
        (429, {}, "", Wait(seconds=None)),
        (403, {}, "You have exceeded a secondary rate limit", Wait(seconds=None)),
        (403, {"x-ratelimit-remaining": "0"}, "", Wait(seconds=None)),
        (
            403,
            {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(EPOCH + 20)},
            "",
            Wait(seconds=21),
        ),
        (
            403,
            {
                "x-ratelimit-remaining": "0",
                "x-ratelimit-reset": str(EPOCH + 20),
                "date": "Sat, 13 Jun 2026 12:00:15 GMT",
            },
            "",
            Wait(seconds=6),
        ),
        (
            403,
            {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(EPOCH - 20)},
            "",
            Wait(seconds=1),
        ),
        (403, {"x-ratelimit-remaining": "12"}, "", None),
    ],
)
def test_what_an_answer_asks_for(
    status: int, headers: dict[str, str], message: str, wait: Wait | None
) -> None:
    assert asked_wait(status, headers, message, NOW) == wait


@pytest.mark.parametrize(("seconds", "long"), [(60, False), (61, False), (61.5, True)])
def test_a_minute_is_waited_and_no_more(seconds: float, long: bool) -> None:
    assert Wait(seconds=seconds).is_too_long is long


@given(
    st.integers(1, 20),
    st.lists(st.tuples(st.integers(0, 5), st.integers(1, 3)), max_size=80),
)
def test_no_stretch_of_a_window_holds_more_than_its_limit(
    limit: int, asked: list[tuple[int, int]]
) -> None:
    window, now, taken = Window(limit, 10.0), 0.0, []
    for pause, weight in asked:
        weight = min(weight, limit)  # noqa: PLW2901
        now += pause
        now += window.delay(weight, now)
        assert window.delay(weight, now) == 0
        window.take(weight, now)
        taken.append((now, weight))
        assert sum(w for at, w in taken if at > now - 10.0) <= limit


def test_the_pace_of_github_com() -> None:
    pace, now = Pace(paced=True), 0.0
    times = []
    for _ in range(600):
        now += pace.delay(write=True, now=now)
        pace.take(write=True, now=now)
        times.append(now)
    assert times[79] == 0
    assert times[80] == 60
    assert times[499] < 3600 <= times[500]


def test_reads_and_writes_share_the_points() -> None:
    pace = Pace(paced=True)
    for _ in range(895):
        pace.take(write=False, now=0.0)
    assert pace.delay(write=True, now=0.0) == 0
    pace.take(write=True, now=0.0)
    assert pace.delay(write=False, now=30.0) == 30


def test_elsewhere_there_is_no_pace() -> None:
    pace = Pace(paced=False)
    for _ in range(2000):
        assert pace.delay(write=True, now=0.0) == 0
        pace.take(write=True, now=0.0)


@pytest.mark.parametrize(
    ("url", "public"),
    [
        ("https://api.github.com", True),
        ("https://api.acme.ghe.com", True),
        ("https://github.acme.com/api/v3", False),
        ("https://notgithub.com", False),
        ("http://127.0.0.1:1", False),
    ],
)
def test_where_there_are_secondary_limits(url: str, public: bool) -> None:
    assert is_public(url) is public
