"""Requests to GitHub's REST API within a run's time: limits are waited out, reads are repeated.

A write whose outcome is not known (a 5xx, a broken connection) is never repeated blindly: it raises
`Unclear`, and whoever wrote reads again first.
"""

import json
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import msgspec
from github import GithubException
from requests import RequestException, Timeout

from gate.github.client import Connection
from gate.github.limits import LONGEST_WAIT_SECONDS, Pace, Wait, asked_wait, is_public
from gate.github.timing import Timing

API_VERSION = "2022-11-28"
ATTEMPTS = 5
SLOW_ATTEMPTS = 2
"""Fewer where each of them waits for a silent server."""
_FIRST_BACKOFF_SECONDS = 0.25
_LIMITS_IN_A_ROW = 5
_LONGEST_WAITS_SECONDS = 900.0
_SHORTEST_WAIT_SECONDS = 0.25
"""Threads that are refused together count as one refusal only if there is a while to wait."""
_MOST_ETAGS = 5_000


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came back: ``headers`` by lower-case name, ``data`` decoded JSON (None: none)."""

    status: int
    headers: dict[str, str]
    data: Any

    @property
    def ok(self) -> bool:
        """Whether it was done."""
        return 200 <= self.status < 300

    @property
    def message(self) -> str:
        """GitHub's words for what went wrong, in one short line."""
        said = self.data.get("message") if isinstance(self.data, dict) else None
        text = " ".join(str(said).split()) if said else ""
        return f"{self.status} {text[:200]}".strip()

    @property
    def next_path(self) -> str | None:
        """Path and query of the next page as the ``Link`` header has it."""
        for part in self.headers.get("link", "").split(","):
            target, _, relation = part.partition(";")
            if 'rel="next"' in relation:
                # Only path and query are followed: whatever the header says, the host stays.
                parts = urlsplit(target.strip().strip("<>"))
                return f"{parts.path}?{parts.query}" if parts.query else parts.path
        return None


class Stopped(Exception):  # noqa: N818 - an ending, not always an error
    """Nothing more may be asked for in this run; ``retry_seconds``: when it may, where known."""

    def __init__(self, why: str, retry_seconds: float | None = None) -> None:
        super().__init__(why)
        self.retry_seconds = retry_seconds


class Unclear(Exception):  # noqa: N818 - what is unclear is the outcome
    """No usable answer: of a write nobody knows whether it was done.

    ``slow``: the server was silent for as long as one waits, so few more attempts fit into a run.
    """

    def __init__(self, why: str, *, slow: bool = False) -> None:
        super().__init__(why)
        self.slow = slow


class Limits:
    """What outlives a run: until when GitHub wants quiet, the pace, answers by their ETags."""

    def __init__(self, api_url: str) -> None:
        self.is_public = is_public(api_url)
        self.pace = Pace(paced=self.is_public)
        self.quiet_until = 0.0
        self.etags: dict[str, tuple[str, Answer]] = {}


class Caller:
    """The requests of one run, from several threads.

    No request begins later than ``seconds`` after the start, waits that GitHub asked for not
    counted; ``calls`` counts those sent.
    """

    def __init__(
        self,
        connection: Connection,
        repository: str,
        *,
        timing: Timing,
        limits: Limits,
        seconds: float,
    ) -> None:
        self.repository = repository
        self.calls = 0
        self.waited_seconds = 0.0
        self._connection = connection
        self._timing = timing
        self._limits = limits
        self._until = timing.monotonic() + seconds
        self._lock = threading.Lock()
        self._stopped: Stopped | None = None
        self._limited = {True: 0, False: 0}

    @property
    def stopped(self) -> Stopped | None:
        """Why nothing more is asked for, once that is so."""
        return self._stopped

    def seconds_left(self) -> float:
        """Until when requests may begin."""
        return self._until - self._timing.monotonic()

    def stop(self, why: str, retry_seconds: float | None = None) -> Stopped:
        """Make every further request raise, and return what it raises."""
        with self._lock:
            self._stopped = self._stopped or Stopped(why, retry_seconds)
            return self._stopped

    def get(self, path: str, *, conditional: bool = False) -> Answer:
        """Read; repeated while it fails. ``conditional``: what has not changed costs nothing.

        Raises `Unclear` where no attempt was answered, `Stopped`.
        """
        for attempt in range(ATTEMPTS):
            try:
                return self._answered("GET", path, conditional=conditional)
            except Unclear as unclear:
                if attempt + 1 >= (SLOW_ATTEMPTS if unclear.slow else ATTEMPTS):
                    raise
                self.back_off(attempt)
        raise AssertionError("a loop of attempts ends within")

    def pages(self, path: str, *, conditional: bool = False) -> Iterator[Answer]:
        """A list's pages, by the ``Link`` header."""
        following: str | None = path
        seen: set[str] = set()
        while following and following not in seen:
            seen.add(following)
            answer = self.get(following, conditional=conditional)
            yield answer
            following = answer.next_path and self._within(answer.next_path)

    def write(self, verb: str, path: str, body: dict[str, Any]) -> Answer:
        """Write once; a refusal for a limit is waited out. Raises `Unclear`, `Stopped`."""
        return self._answered(verb, path, body=body)

    def back_off(self, attempt: int) -> None:
        """Wait before attempt number ``attempt + 2``, twice as long each time."""
        if self._timing.wait(min(_FIRST_BACKOFF_SECONDS * 2**attempt, self.seconds_left())):
            raise self.stop("asked to end")

    def _answered(
        self, verb: str, path: str, *, body: dict[str, Any] | None = None, conditional: bool = False
    ) -> Answer:
        write = verb != "GET"
        while True:
            self._await_turn(write=write)
            answer = self._sent(verb, path, body, conditional=conditional)
            wait = asked_wait(answer.status, answer.headers, answer.message, self._timing.now())
            if wait is not None:
                self._hold(wait, write=write)
                continue
            self._limited[write] = 0
            if answer.status == 401:
                raise self.stop(f"GitHub does not accept the credentials ({answer.message})")
            if answer.status >= 500:
                raise Unclear(f"GitHub answered {answer.message}")
            return answer

    def _await_turn(self, *, write: bool) -> None:
        """Wait while GitHub wants quiet and for the pace; count the request as sent."""
        while True:
            with self._lock:
                if self._stopped is not None:
                    raise self._stopped
            if self._timing.wait(0):
                raise self.stop("asked to end")
            with self._lock:
                now = self._timing.monotonic()
                quiet = self._limits.quiet_until - now
                delay = max(quiet, self._limits.pace.delay(write=write, now=now))
                if delay <= 0 and now < self._until:
                    self._limits.pace.take(write=write, now=now)
                    self.calls += 1
                    return
            if now + delay >= self._until:
                why = "GitHub's limits allow no more for now" if delay > 0 else "out of time"
                raise self.stop(why, max(delay, 0.0))
            if self._timing.wait(delay):
                raise self.stop("asked to end")

    def _hold(self, wait: Wait, *, write: bool) -> None:
        """Keep quiet as long as GitHub asked, all threads; or stop where that is too long."""
        if wait.is_too_long:
            assert wait.seconds is not None
            with self._lock:
                self._limits.quiet_until = self._timing.monotonic() + wait.seconds
            raise self.stop(f"GitHub asks to wait {wait.seconds:.0f} s", wait.seconds)
        with self._lock:
            now = self._timing.monotonic()
            known = max(self._limits.quiet_until, now)
            if now >= self._limits.quiet_until:
                self._limited[write] += 1
            asked = wait.seconds is not None or self._limits.is_public
            seconds = wait.seconds
            if seconds is not None:
                seconds = max(seconds, _SHORTEST_WAIT_SECONDS)
            else:
                # GitHub's documentation: at least a minute where nothing else is said.
                seconds = LONGEST_WAIT_SECONDS if asked else 2.0 ** (self._limited[write] - 1)
            more = max(0.0, now + seconds - known)
            self._limits.quiet_until = known + more
            if asked:
                self._until += more
                self.waited_seconds += more
            tired = (
                self._limited[write] > _LIMITS_IN_A_ROW
                or self.waited_seconds > _LONGEST_WAITS_SECONDS
            )
        if tired:
            raise self.stop("GitHub's limits do not let up", seconds)

    def _sent(
        self, verb: str, path: str, body: dict[str, Any] | None, *, conditional: bool
    ) -> Answer:
        headers: dict[str, Any] = {
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": API_VERSION,
        }
        kept = self._limits.etags.get(path) if conditional else None
        if kept is not None:
            headers["If-None-Match"] = kept[0]
        try:
            requester = self._connection.requester(self.repository)
            status, got, text = requester.requestJson(verb, path, headers=headers, input=body)
        except GithubException as error:
            # Only what fetches an installation's token raises: it is refused like the request.
            got = {name.lower(): value for name, value in (error.headers or {}).items()}
            return Answer(status=error.status, headers=got, data=error.data)
        except Timeout as error:
            raise Unclear("GitHub did not answer in time", slow=True) from error
        except RequestException as error:
            raise Unclear(f"GitHub cannot be reached ({type(error).__name__})") from error
        except (RuntimeError, AssertionError) as error:
            raise self.stop("GitHub redirects to where it must not be followed") from error
        answer = Answer(status=status, headers=got, data=_decoded(text))
        if conditional:
            if status == 304 and kept is not None:
                return kept[1]
            if status == 200 and "etag" in got:
                self._keep(path, got["etag"], answer)
        return answer

    def _keep(self, path: str, etag: str, answer: Answer) -> None:
        with self._lock:
            etags = self._limits.etags
            etags.pop(path, None)
            if len(etags) >= _MOST_ETAGS:
                # The one that was not renewed for longest: its commit is hardly a head any more.
                del etags[next(iter(etags))]
            etags[path] = etag, answer

    def _within(self, path: str) -> str:
        """A path of the server's without the prefix of the API, which the requester puts before."""
        prefix = urlsplit(self._connection.url).path
        return path.removeprefix(prefix) if prefix else path


def _decoded(text: str) -> Any:
    try:
        return json.loads(text) if text else None
    except ValueError:
        return None
