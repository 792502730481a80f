"""One Prometheus for all tests of this folder, with the past of a Saturday."""

from collections.abc import Iterator

import pytest

from tests.observed.build import MINUTE, us
from tests.observed.prometheus import Exposed, running

NOON = us("2026-02-14T12:00:00Z")
SECOND = MINUTE // 60
NOON_SECOND = NOON // SECOND
PAST = {
    # From 09:00 on: 300 and 100, and 900 on top between 10:00 and 10:05.
    ("guests", "Europe/London", "british"): [
        (second, 1200.0 if 7200 - 300 <= NOON_SECOND - second <= 7200 else 300.0)
        for second in range(NOON_SECOND - 3 * 3600, NOON_SECOND + 1, 30)
    ],
    ("guests", "Asia/Kolkata", "indian"): [
        (second, 100.0) for second in range(NOON_SECOND - 3 * 3600, NOON_SECOND + 1, 30)
    ],
    ("odd", "Mars/Olympus", "martian"): [(NOON_SECOND, 7.0)],
    ("odd", "Europe/London", ""): [(NOON_SECOND, float("nan"))],
    ("odd", "Asia/Kolkata", "indian"): [(NOON_SECOND, 0.25)],
    ("negative", "Asia/Kolkata", "indian"): [(NOON_SECOND, -1.0)],
    ("infinite", "Asia/Kolkata", "indian"): [(NOON_SECOND, float("inf"))],
}


@pytest.fixture(scope="session")
def exposed() -> Iterator[Exposed]:
    """What it scrapes as ``live``."""
    made = Exposed()
    yield made
    made.close()


@pytest.fixture(scope="session")
def prometheus(tmp_path_factory: pytest.TempPathFactory, exposed: Exposed) -> Iterator[str]:
    """Its address."""
    with running(tmp_path_factory.mktemp("prometheus"), PAST, exposed.port) as url:
        yield url
