"""Where the Action's decision comes from: the repository's files, a database, or a gate server."""

from collections.abc import Mapping
from typing import Protocol

import msgspec

from gate.cli.judge import open_judge
from gate.core.decide import undecided
from gate.core.decision import CalendarRef, Decision, Effect, PolicyRef, Reason, Request, Verdict
from gate.core.policy import Policy
from gate.core.problems import InputError, Problem
from gate.github.action.settings import Audit, Settings
from gate.github.action.waiting import Clock
from gate.inputs import Compiled, Unreadable, read_inputs
from gate.ledger.fresh_ids import Identifiers

DOOR = "action"
"""How the ledger names what came through the Action."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A decision, and the repository's files as far as they are there.

    ``problems`` is what is wrong with the files that the decision was to be made from.
    """

    decision: Decision
    inputs: Compiled | Unreadable | None
    problems: tuple[Problem, ...] = ()

    @property
    def policy(self) -> Policy | None:
        """The policy that decided, where the repository has it."""
        policy = self.inputs.policy if self.inputs is not None else None
        return policy if policy and policy.sha256 == self.decision.policy.sha256 else None


class Source(Protocol):
    """Something that decides."""

    def answer(self, request: Request, *, keep: bool) -> Answer:
        """The decision of the present moment; where not ``keep``, recorded only if it must be."""


class Files:
    """The repository's files; with a DSN, locks and overrides from there and decisions to there."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock

    def answer(self, request: Request, *, keep: bool) -> Answer:
        """Read again, judge, and record where that is asked for. InputError of a bad DSN."""
        try:
            return self._judged(request, keep=keep)
        except InputError as error:
            # Of the whole way only the database's address is bad input, and here it is no option.
            raise InputError(
                msgspec.structs.replace(problem, field="dsn")
                if problem.field == "--dsn"
                else problem
                for problem in error.problems
            ) from None

    def _judged(self, request: Request, *, keep: bool) -> Answer:
        named = self._settings
        with open_judge(named.policy, named.calendars, named.dsn, door=DOOR) as judge:
            decision = judge(request, self._clock.now())
            if keep:
                (decision,) = judge.record([decision])
            inputs = judge.inputs
            problems = inputs.problems if isinstance(inputs, Unreadable) else ()
            return Answer(decision=decision, inputs=inputs, problems=problems)


class Server:
    """A gate server, which records whatever it decides."""

    def __init__(
        self, url: str, settings: Settings, clock: Clock, environ: Mapping[str, str]
    ) -> None:
        self._url = url
        self._environ = environ
        self._clock = clock
        self._inputs = _inputs_there(settings)

    def answer(self, request: Request, *, keep: bool) -> Answer:
        """What the server says; undecided where it cannot be used, always blocked if it refuses."""
        from gate.github.action.server import (  # noqa: PLC0415  (loads an HTTP client)
            GateServer,
            ServerRefused,
            ServerUnreachable,
            identity_service,
        )

        identity = identity_service(self._environ)
        try:
            with GateServer(self._url, identity, self._clock.sleep) as server:
                decision = server.decide(request)
        except ServerUnreachable as error:
            decision = self._without(request, str(error))
        except ServerRefused as error:
            decision = msgspec.structs.replace(
                self._without(request, str(error)), effect=Effect.BLOCK
            )
        return Answer(decision=decision, inputs=self._inputs)

    def _without(self, request: Request, why: str) -> Decision:
        policy = self._inputs.policy if self._inputs is not None else None
        ref = PolicyRef(name=policy.name, sha256=policy.sha256) if policy else _NO_REFS[0]
        return undecided(
            policy,
            (ref, _NO_REFS[1]),
            request,
            self._clock.now(),
            [Reason(code="store-unavailable", message=why)],
            id=Identifiers().next(),
        )


_NO_REFS = (PolicyRef(name=None, sha256=None), CalendarRef(sha256=None, weddings=None))


def source(settings: Settings, clock: Clock, environ: Mapping[str, str]) -> Source:
    """What the inputs name."""
    if settings.server is not None:
        return Server(settings.server, settings, clock, environ)
    return Files(settings, clock)


def insisted(answer: Answer, audit: Audit) -> Answer:
    """The answer under `audit: required`: without a record, nothing goes out."""
    decision = answer.decision
    if audit is not Audit.REQUIRED or decision.recorded:
        return answer
    blocked = decision
    if decision.verdict is not Verdict.UNDECIDED:
        reason = Reason(code="store-unavailable", message="this was decided, but not recorded")
        refs = (decision.policy, decision.calendar)
        blocked = undecided(None, refs, decision.request, decision.at, [reason], id=decision.id)
    blocked = msgspec.structs.replace(blocked, effect=Effect.BLOCK)
    return msgspec.structs.replace(answer, decision=blocked)


def _inputs_there(settings: Settings) -> Compiled | Unreadable | None:
    """The repository's files, beside a server: for the picture, and for the times in it."""
    from pathlib import Path  # noqa: PLC0415

    if not all(Path(path).is_file() for path in (settings.policy, *settings.calendars)):
        return None
    return read_inputs(settings.policy, settings.calendars)
