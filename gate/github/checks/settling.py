"""Making one head stand as decided: read, compare, write where it differs."""

from typing import Any

import msgspec

from gate.github.calls import ATTEMPTS, SLOW_ATTEMPTS, Answer, Caller, Unclear
from gate.github.checks.heads import Head, quoted
from gate.github.checks.standing import Kind, Refused, Standing, check_of, read_check, read_status
from gate.github.checks.wanted import NAME, Wanted


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How a head stands after the run; ``failure`` says why it does not stand as decided.

    ``kind`` and ``state`` are None where nothing is known of it.
    """

    head: Head
    kind: Kind | None
    state: str | None
    changed: bool
    failure: str | None = None


class Memory:
    """What one process knows from its earlier runs; of a head that is not known, it reads.

    ``kind`` is what is written here: checks, or statuses where checks may not be written; None
    until that is known. ``patches``: check runs may be updated, too.
    """

    def __init__(self) -> None:
        self.kind: Kind | None = None
        self.patches = True
        self.standing: dict[str, Standing] = {}


class Settler:
    """Settles heads to one `Wanted`, from several threads."""

    def __init__(self, caller: Caller, what: Wanted, memory: Memory) -> None:
        self._caller = caller
        self._what = what
        self._memory = memory

    def settle(self, head: Head, *, blind: bool = False, again: bool = False) -> Outcome:
        """Make the head stand as decided.

        ``blind``: write without reading first. ``again``: read although it is known from before
        (asking only whether it has changed). Raises `Stopped`.
        """
        wrote = False
        failure = ""
        for attempt in range(ATTEMPTS):
            turn = _Turn(self._caller, self._what, self._memory, head, again=again or wrote)
            try:
                outcome = turn.run(blind=blind and not wrote)
            except _UnclearWrite as error:
                # Nobody knows whether it was done: what stands now says so.
                wrote, failure = True, str(error)
                if attempt + 1 >= (SLOW_ATTEMPTS if error.slow else ATTEMPTS):
                    break
                self._caller.back_off(attempt)
            except Unclear as error:
                failure = str(error)
                break
            else:
                return msgspec.structs.replace(outcome, changed=outcome.changed or wrote)
        return Outcome(head=head, kind=None, state=None, changed=False, failure=failure)


class _UnclearWrite(Exception):  # noqa: N818 - what is unclear is the outcome
    """A write may or may not have been done."""

    def __init__(self, cause: Unclear) -> None:
        super().__init__(str(cause))
        self.slow = cause.slow


class _Turn:
    """One attempt at one head."""

    def __init__(
        self, caller: Caller, what: Wanted, memory: Memory, head: Head, *, again: bool
    ) -> None:
        self._caller = caller
        self._what = what
        self._memory = memory
        self._head = head
        self._again = again

    def run(self, *, blind: bool) -> Outcome:
        stands = None if self._again else self._memory.standing.get(self._head.sha)
        if stands is None and not blind:
            try:
                stands = self._read()
            except Refused as refused:
                return self._outcome(None, failure=f"cannot be read: {refused}")
        if stands is not None and stands.is_right(self._what):
            return self._outcome(stands)
        kind = stands.kind if stands is not None else self._memory.kind
        # A head that has a status keeps to statuses: two of one name would contradict each other.
        return self._write_status(stands) if kind == "status" else self._write_check(stands)

    def _read(self) -> Standing | None:
        sha, conditional = self._head.sha, self._again
        if self._memory.kind != "status":
            try:
                check = read_check(self._caller, sha, conditional=conditional)
            except Refused as refused:
                if refused.answer.status == 403:
                    self._memory.kind = "status"
                return read_status(self._caller, sha, conditional=conditional) or Standing(
                    kind="status", state="none", text=None
                )
            if check is not None:
                self._memory.kind = self._memory.kind or "check"
            if self._memory.kind == "check":
                return check
        found = read_status(self._caller, sha, conditional=conditional)
        if found is not None:
            self._memory.kind = "status"
        return found

    def _write_check(self, stands: Standing | None) -> Outcome:
        answer = None
        if stands is not None and self._memory.patches and stands.may_become(self._what):
            path = f"/repos/{self._caller.repository}/check-runs/{stands.run_id}"
            answer = self._write("PATCH", path, self._check_body())
        if answer is None or not self._took(answer):
            body = {"name": NAME, "head_sha": self._head.sha, **self._check_body()}
            path = f"/repos/{self._caller.repository}/check-runs"
            refused, answer = answer, self._write("POST", path, body)
            if answer.ok and refused is not None and refused.status == 403:
                # Runs that another App has made are not ours to update.
                self._memory.patches = False
        if answer.ok:
            self._memory.kind = "check"
            if not self._took(answer):
                kept = check_of(answer.data)
                return self._outcome(kept, changed=True, failure="GitHub keeps another state")
            return self._stored(self._check_standing(answer))
        if answer.status in {403, 404}:
            if answer.status == 403:
                self._memory.kind = "status"
            return self._settle_status(answer, stands)
        return self._outcome(stands, failure=f"the check is refused: {answer.message}")

    def _settle_status(self, refused: Answer, check: Standing | None) -> Outcome:
        """Where the check may not be written, the status says it."""
        try:
            stands = read_status(self._caller, self._head.sha)
        except Refused:
            stands = None
        if stands is not None and stands.is_right(self._what):
            return self._outcome(stands)
        outcome = self._write_status(stands)
        if outcome.failure is None:
            return outcome
        failure = f"the check is refused: {refused.message}; {outcome.failure}"
        return self._outcome(stands or check, failure=failure)

    def _write_status(self, stands: Standing | None) -> Outcome:
        body = {
            "state": self._what.status_state,
            "context": NAME,
            "description": self._what.description,
        }
        path = f"/repos/{self._caller.repository}/statuses/{quoted(self._head.sha)}"
        answer = self._write("POST", path, body)
        if not answer.ok:
            return self._outcome(stands, failure=f"the status is refused: {answer.message}")
        made = Standing(kind="status", state=self._what.status_state, text=self._what.description)
        return self._stored(made)

    def _write(self, verb: str, path: str, body: dict[str, Any]) -> Answer:
        try:
            return self._caller.write(verb, path, body)
        except Unclear as error:
            raise _UnclearWrite(error) from error

    def _check_body(self) -> dict[str, Any]:
        what = self._what
        body: dict[str, Any] = {
            "status": what.check_state,
            "output": {"title": what.title, "summary": what.summary},
        }
        if not what.blocked:
            body["conclusion"] = "success"
        if what.external_id:
            body["external_id"] = what.external_id
        return body

    def _check_standing(self, answer: Answer) -> Standing:
        known = check_of(answer.data)
        return Standing(
            kind="check",
            state=self._what.check_state,
            text=self._what.title,
            conclusion=None if self._what.blocked else "success",
            run_id=known.run_id if known else None,
        )

    def _took(self, answer: Answer) -> bool:
        """Whether a check run is now as it was asked to be: an update may be answered with 200 and
        still leave a completed run completed.
        """
        shown = check_of(answer.data)
        return answer.ok and (shown is None or shown.state == self._what.check_state)

    def _stored(self, made: Standing) -> Outcome:
        self._memory.standing[self._head.sha] = made
        return self._outcome(made, changed=True)

    def _outcome(
        self, stands: Standing | None, *, changed: bool = False, failure: str | None = None
    ) -> Outcome:
        if stands is not None and failure is None:
            self._memory.standing[self._head.sha] = stands
        return Outcome(
            head=self._head,
            kind=stands.kind if stands and stands.state != "none" else None,
            state=stands.state if stands and stands.state != "none" else None,
            changed=changed,
            failure=failure,
        )
