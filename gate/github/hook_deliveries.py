"""The App's deliveries as GitHub remembers them (for three days): which have failed, and again.

GitHub does not deliver again by itself what was refused or timed out.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec
from github import GithubException
from github.Requester import Requester

MOST_PAGES = 20
_PAGE = 100


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt to deliver; attempts at the same delivery share its ``guid``."""

    id: int
    guid: str
    event: str
    delivered_at: datetime
    status_code: int

    @property
    def ok(self) -> bool:
        """Whether it was taken."""
        return 200 <= self.status_code < 300


def attempts_since(requester: Requester, since: datetime) -> list[Attempt]:
    """The attempts from `since` on, the newest first, of the App that `requester` speaks for.

    Raises what PyGithub and requests raise; ValueError for an answer that is no list of them.
    """
    found: list[Attempt] = []
    for page in _pages(requester, f"/app/hook/deliveries?per_page={_PAGE}"):
        attempts = msgspec.convert(page, list[Attempt])
        found += [attempt for attempt in attempts if attempt.delivered_at >= since]
        if not attempts or attempts[-1].delivered_at < since:
            break
    return found


def to_repeat(
    attempts: Iterable[Attempt], events: frozenset[str], *, before: datetime, most: int
) -> list[Attempt]:
    """Of each delivery that no attempt brought through, one attempt, the oldest first.

    ``before``: what was tried since then may still be under way. Whatever ``most`` attempts did not
    bring through is left alone.
    """
    by_guid: dict[str, list[Attempt]] = {}
    for attempt in attempts:
        by_guid.setdefault(attempt.guid, []).append(attempt)
    failed = [
        max(tried, key=_order)
        for tried in by_guid.values()
        if tried[0].event in events and len(tried) < most and not any(each.ok for each in tried)
    ]
    due = [attempt for attempt in failed if attempt.delivered_at < before]
    return sorted(due, key=_order)


def repeat(requester: Requester, attempt: Attempt) -> None:
    """Have it delivered once more. Raises what PyGithub and requests raise."""
    status, headers, output = requester.requestJson(
        "POST", f"/app/hook/deliveries/{attempt.id}/attempts"
    )
    if not 200 <= status < 300:
        raise GithubException(status, output, headers)


def _order(attempt: Attempt) -> tuple[datetime, int]:
    return attempt.delivered_at, attempt.id


def _pages(requester: Requester, path: str) -> Iterator[Any]:
    prefix = urlsplit(requester.base_url).path
    following: str | None = path
    for _ in range(MOST_PAGES):
        if following is None:
            return
        headers, page = requester.requestJsonAndCheck("GET", following)
        yield page
        following = _next(str(headers.get("link", "")), prefix)


def _next(link: str, prefix: str) -> str | None:
    for part in link.split(","):
        target, _, relation = part.partition(";")
        if 'rel="next"' in relation:
            # Only path and query are followed: whatever the header says, the host stays.
            parts = urlsplit(target.strip().strip("<>"))
            return f"{parts.path.removeprefix(prefix)}?{parts.query}"
    return None
