"""GitHub's limits: what it asks for when it refuses, and the pace that keeps it from refusing.

Sources: "Rate limits for the REST API" and "Best practices for using the REST API" of GitHub's
documentation. A primary limit answers 403 or 429 with ``x-ratelimit-remaining: 0`` and the instant
of the reset; a secondary one 403 or 429 with ``retry-after`` or, at times, with words alone.
"""

from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import msgspec

LONGEST_WAIT_SECONDS = 60
"""Who is asked to wait longer gives up, and says so."""
_RESET_SLACK_SECONDS = 1.0
_WORDS = ("rate limit", "abuse detection", "please wait a few minutes", "retry your request again")


class Wait(msgspec.Struct, frozen=True, kw_only=True):
    """A limit was met: wait so many seconds. None: for how long was not said."""

    seconds: float | None

    @property
    def is_too_long(self) -> bool:
        """Whether it is more than anybody waits (the second added to a reset aside)."""
        return self.seconds is not None and (
            self.seconds > LONGEST_WAIT_SECONDS + _RESET_SLACK_SECONDS
        )


def asked_wait(status: int, headers: Mapping[str, str], message: str, now: datetime) -> Wait | None:
    """What an answer asks for; None where it is no refusal for a limit.

    ``headers`` have lower-case names. An instant of reset is compared with the server's own clock
    where it shows one, else with `now`.
    """
    here = _date(headers.get("date")) or now
    if status in {403, 429, 503} and (asked := headers.get("retry-after")) is not None:
        return Wait(seconds=_retry_after(asked, here))
    if status not in {403, 429}:
        return None
    if headers.get("x-ratelimit-remaining", "").strip() == "0":
        reset = _number(headers.get("x-ratelimit-reset"))
        # The second in which the count starts anew is not told to the fraction.
        left = None if reset is None else max(0.0, reset - here.timestamp()) + _RESET_SLACK_SECONDS
        return Wait(seconds=left)
    if status == 429 or any(words in message.casefold() for words in _WORDS):
        return Wait(seconds=None)
    return None


class Window:
    """At most ``limit`` of something in any stretch of ``seconds``."""

    def __init__(self, limit: int, seconds: float) -> None:
        self._limit = limit
        self._seconds = seconds
        self._taken: deque[tuple[float, int]] = deque()
        self._sum = 0

    def delay(self, weight: int, now: float) -> float:
        """Seconds from `now` (monotonic) until ``weight`` more fit."""
        while self._taken and self._taken[0][0] <= now - self._seconds:
            self._sum -= self._taken.popleft()[1]
        excess = self._sum + weight - self._limit
        if excess <= 0:
            return 0.0
        for at, taken in self._taken:
            excess -= taken
            if excess <= 0:
                return at + self._seconds - now
        return self._seconds

    def take(self, weight: int, now: float) -> None:
        """Count ``weight`` as of `now`."""
        if weight:
            self._taken.append((now, weight))
            self._sum += weight


class Pace:
    """How fast one may ask without being refused; not safe to share between threads.

    On github.com: 80 requests that create content a minute and 500 an hour, 900 points a minute of
    which a read costs one and a write five. Elsewhere there is no pace: GitHub Enterprise Server
    sets no secondary limits by default.
    """

    def __init__(self, *, paced: bool) -> None:
        self._writes = (Window(80, 60.0), Window(500, 3600.0)) if paced else ()
        self._points = (Window(900, 60.0),) if paced else ()

    def delay(self, *, write: bool, now: float) -> float:
        """Seconds from `now` until a request may be sent."""
        delays = [window.delay(5 if write else 1, now) for window in self._points]
        if write:
            delays += [window.delay(1, now) for window in self._writes]
        return max(delays, default=0.0)

    def take(self, *, write: bool, now: float) -> None:
        """Count a request that is being sent."""
        for window in self._points:
            window.take(5 if write else 1, now)
        for window in self._writes if write else ():
            window.take(1, now)


def is_public(api_url: str) -> bool:
    """Whether this is GitHub's own cloud, which sets secondary limits."""
    host = (urlsplit(api_url).hostname or "").casefold()
    return host in {"api.github.com", "github.com"} or host.endswith((".github.com", ".ghe.com"))


def _retry_after(text: str, here: datetime) -> float | None:
    """Seconds of a ``Retry-After`` (a number or a date); None where it is neither."""
    if (number := _number(text)) is not None:
        return max(0.0, number)
    until = _date(text)
    return None if until is None else max(0.0, (until - here).total_seconds())


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if 0 <= number < 1e12 else None


def _date(text: str | None) -> datetime | None:
    try:
        parsed = parsedate_to_datetime(text or "")
    except (ValueError, TypeError):
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
