"""What stands on a head: the newest check run, or the newest commit status, of the gate's name."""

from collections.abc import Iterable
from typing import Any, Literal

import msgspec

from gate.github.calls import Answer, Caller
from gate.github.checks.heads import quoted
from gate.github.checks.wanted import NAME, Wanted

Kind = Literal["check", "status"]


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A check run (``status``, with its ``conclusion``) or a commit status (``state``).

    ``text`` is its title or description, UNSET where the server does not show it; ``run_id`` is the
    check run's.
    """

    kind: Kind
    state: str
    text: str | msgspec.UnsetType | None = msgspec.UNSET
    conclusion: str | None = None
    run_id: int | None = None

    def is_right(self, what: Wanted) -> bool:
        """Whether nothing has to be written."""
        if self.kind == "status":
            same, text = self.state == what.status_state, what.description
        else:
            same = self.state == what.check_state and (what.blocked or self.conclusion == "success")
            text = what.title
        return same and (self.text is msgspec.UNSET or self.text == text)

    def may_become(self, what: Wanted) -> bool:
        """Whether this check run can be updated to what is wanted.

        A completed one keeps its status and conclusion for good; then a new run of the same name
        takes its place.
        """
        if self.kind != "check" or self.run_id is None:
            return False
        return self.state != "completed" or (not what.blocked and self.conclusion == "success")


class Refused(Exception):  # noqa: N818 - an answer like others
    """The server does not let this token see, or write, such a thing."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.message)
        self.answer = answer


def read_check(caller: Caller, sha: str, *, conditional: bool = False) -> Standing | None:
    """The newest check run of the gate's name. Raises `Refused`, `Unclear`, `Stopped`."""
    path = (
        f"/repos/{caller.repository}/commits/{quoted(sha)}/check-runs"
        f"?check_name={NAME}&filter=latest&per_page=100"
    )
    found: list[Standing] = []
    for answer in caller.pages(path, conditional=conditional):
        if not answer.ok:
            raise Refused(answer)
        found += map(_check, _named(answer.data, "check_runs", "name"))
        if found:
            break
    return max(found, key=lambda run: run.run_id or 0, default=None)


def check_of(data: Any) -> Standing | None:
    """The check run that a write answers with, where it does."""
    return _check(data) if isinstance(data, dict) and "status" in data else None


def read_status(caller: Caller, sha: str, *, conditional: bool = False) -> Standing | None:
    """The newest commit status of the gate's context; raises as `read_check` does.

    The combined status has one entry a context, so that the many of others do not hide ours; a
    server without it is asked for the list.
    """
    base = f"/repos/{caller.repository}/commits/{quoted(sha)}"
    for path in (f"{base}/status?per_page=100", f"{base}/statuses?per_page=100"):
        for answer in caller.pages(path, conditional=conditional):
            if answer.status == 404:
                break
            if not answer.ok:
                raise Refused(answer)
            if found := _named(answer.data, "statuses", "context"):
                return _newest_status(found)
        else:
            return None
    return None


def _newest_status(found: list[dict[str, Any]]) -> Standing:
    newest = max(found, key=_id)
    return Standing(
        kind="status",
        state=str(newest.get("state")),
        text=newest.get("description", msgspec.UNSET),
    )


def _check(run: dict[str, Any]) -> Standing:
    output = run.get("output")
    return Standing(
        kind="check",
        state=str(run.get("status")),
        text=output.get("title") if isinstance(output, dict) else msgspec.UNSET,
        conclusion=run.get("conclusion"),
        run_id=_id(run) or None,
    )


def _named(data: Any, members: str, field: str) -> list[dict[str, Any]]:
    entries: Any = data.get(members) if isinstance(data, dict) else data
    usable: Iterable[Any] = entries if isinstance(entries, list) else ()
    return [each for each in usable if isinstance(each, dict) and each.get(field) == NAME]


def _id(entry: dict[str, Any]) -> int:
    number = entry.get("id")
    return number if isinstance(number, int) else 0
