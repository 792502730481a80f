"""The heads that checks belong on: open pull requests and merge-group entries, by their base."""

import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import quote

import msgspec

from gate.core.policy import Policy
from gate.github.calls import Answer, Caller

_PER_PAGE = 100
_QUEUE = "heads/gh-readonly-queue"
_QUEUE_REF = re.compile(r"refs/heads/gh-readonly-queue/(?P<base>.+)/[^/]+", re.DOTALL)


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """A commit to check; ``number``: the lowest pull request on it, None for a merge group's."""

    sha: str
    number: int | None


def protected_bases(policy: Policy | None) -> Sequence[str] | None:
    """The globs of protected bases; None for the default branch, and where nothing is known."""
    return None if policy is None else policy.github.bases


def find_heads(
    caller: Caller, bases: Sequence[str] | None, *, conditional: bool = False
) -> list[Head]:
    """All heads whose base is protected, each commit once: merge groups, then oldest first.

    ``bases``: globs of the policy, None for the repository's default branch. What cannot be listed
    stops the run: raises `Stopped`, `Unclear`.
    """
    globs = bases if bases is not None else [_default_branch(caller, conditional=conditional)]
    exact = bases is None

    def protected(base: object) -> bool:
        return isinstance(base, str) and any(
            base == glob if exact else fnmatchcase(base, glob) for glob in globs
        )

    numbers: dict[str, int | None] = dict.fromkeys(
        _queued(caller, protected_base=protected, conditional=conditional)
    )
    for pull in _pulls(caller, conditional=conditional):
        number, sha = pull.get("number"), _at(pull, "head", "sha")
        if not isinstance(number, int) or not isinstance(sha, str) or not sha:
            continue
        if protected(_at(pull, "base", "ref")):
            known = numbers.get(sha)
            numbers[sha] = number if known is None else min(known, number)
    heads = [Head(sha=sha, number=number) for sha, number in numbers.items()]
    # Numbers are given in order of time.
    return sorted(heads, key=lambda head: (head.number is not None, head.number or 0, head.sha))


def _default_branch(caller: Caller, *, conditional: bool) -> str:
    answer = _listed(caller, caller.get(f"/repos/{caller.repository}", conditional=conditional))
    branch = _at(answer.data, "default_branch")
    if not isinstance(branch, str) or not branch:
        raise caller.stop("GitHub does not say which branch is the default one")
    return branch


def _pulls(caller: Caller, *, conditional: bool) -> Iterable[dict[str, Any]]:
    """Open pull requests; the ``Link`` header leads, and without one a full page is not the last.

    A list that changes while it is read may repeat an entry, which does no harm; what it skips is
    found by the next sweep.
    """
    first = f"/repos/{caller.repository}/pulls?state=open&per_page={_PER_PAGE}"
    seen: set[int] = set()
    page = 1
    linked = True
    while linked:
        path = first if page == 1 else f"{first}&page={page}"
        linked = False
        for answer in caller.pages(path, conditional=conditional):
            entries = _entries(caller, answer)
            new = [entry for entry in entries if entry.get("number") not in seen]
            seen.update(entry["number"] for entry in new if isinstance(entry.get("number"), int))
            yield from new
            linked = "link" not in answer.headers and len(entries) == _PER_PAGE and bool(new)
        page += 1


def _queued(caller: Caller, *, protected_base: Any, conditional: bool) -> Iterable[str]:
    """Commits of the merge queue's entries; a server that has no such refs answers 404."""
    path = f"/repos/{caller.repository}/git/matching-refs/{_QUEUE}"
    for answer in caller.pages(path, conditional=conditional):
        if answer.status in {404, 409}:
            return
        for entry in _entries(caller, answer):
            match = _QUEUE_REF.fullmatch(str(entry.get("ref")))
            sha = _at(entry, "object", "sha")
            if match and isinstance(sha, str) and sha and protected_base(match["base"]):
                yield sha


def _entries(caller: Caller, answer: Answer) -> list[dict[str, Any]]:
    data = _listed(caller, answer).data
    if not isinstance(data, list):
        raise caller.stop("what answers is not GitHub's API")
    return [entry for entry in data if isinstance(entry, dict)]


def _listed(caller: Caller, answer: Answer) -> Answer:
    if not answer.ok:
        raise caller.stop(f"GitHub does not show {caller.repository}: {answer.message}")
    return answer


def _at(value: Any, *names: str) -> Any:
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def quoted(text: str) -> str:
    """Text of others as one part of a path."""
    return quote(text, safe="")
