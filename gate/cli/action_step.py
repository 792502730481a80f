"""One step of a workflow: ask, wait where that is wanted, tell everybody who reads along."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from gate.cli.action_asking import Answer, Source, insisted, source
from gate.cli.action_places import DECISIONS, append_decision
from gate.cli.action_telling import Log, Teller
from gate.cli.exits import Exit
from gate.cli.judge import exit_of
from gate.core.decision import Decision, Request
from gate.github.action.annotations import shown
from gate.github.action.event import Run
from gate.github.action.settings import Audit, Mode, Settings
from gate.github.action.waiting import Clock, Patience, is_refused, wait
from gate.github.action.workflow import Workflow

_LOOK_AT_DATABASE = timedelta(seconds=5)
_LOOK_AT_SERVER = timedelta(seconds=30)
"""A server records whatever it is asked, so it is asked less often."""


class Step:
    """Takes one step; ``clock`` and ``environ`` are what it knows of the world beside its inputs.

    Raises `InputError` where the DSN is none, OSError where outputs cannot be written.
    """

    def __init__(
        self, settings: Settings, run: Run, environ: Mapping[str, str], log: Log, clock: Clock
    ) -> None:
        workflow = Workflow(environ, run, settings.token, log.warn)
        request = Request(
            action=settings.action,
            invoker=workflow.invoker(settings.environment),
            environment=settings.environment,
            namespace=settings.namespace,
            service=settings.service,
            repository=run.repository,
            actor=run.actor,
        )
        self._settings = settings
        self._log = log
        self._clock = clock
        self._teller = Teller(settings, environ, log, workflow)
        self._door = _Door(source(settings, clock, environ), request, settings.audit, log)

    def take(self) -> Answer:
        """Decide, wait where that is the mode, tell; the last answer."""
        if self._settings.audit is Audit.AUTO and not self._settings.has_record:
            self._log.warn(
                "not recorded",
                f"neither server nor dsn is given, so the decision goes to {DECISIONS} only",
            )
        decision = self._door.answer()
        if self._settings.mode is Mode.WAIT and is_refused(decision):
            self._teller.wait_begins(self._door.last)
            self._wait(decision)
        self._teller.tell(self._door.last)
        return self._door.last

    def _wait(self, first: Decision) -> None:
        def show(instant: datetime) -> str:
            return shown(instant, self._door.last.policy)

        patience = Patience(
            timeout=self._settings.wait_timeout, look_every=_look_every(self._settings)
        )
        wait(first, self._door, patience, self._clock, self._log.say, show)


class _Door:
    """Answers one request as often as it is asked; ``last`` is the last answer."""

    last: Answer

    def __init__(self, asked: Source, request: Request, audit: Audit, log: Log) -> None:
        self._source = asked
        self._request = request
        self._audit = audit
        self._log = log

    def answer(self) -> Decision:
        """Now, recorded in a place that was named, else in the workspace."""
        self.last = insisted(self._source.answer(self._request, keep=True), self._audit)
        if not self.last.decision.recorded:
            try:
                append_decision(self.last.decision)
            except OSError as error:
                self._log.warn("not kept", f"{DECISIONS} cannot be written: {error.strerror}")
        return self.last.decision

    def peek(self) -> Decision:
        """Now, not recorded where that can be helped."""
        return self._source.answer(self._request, keep=False).decision


def ending(decision: Decision, mode: Mode) -> Exit:
    """What a decision is to the workflow; a report never fails it."""
    return Exit.ALLOWED if mode is Mode.REPORT else exit_of(decision)


def _look_every(settings: Settings) -> timedelta | None:
    if settings.server is not None:
        return _LOOK_AT_SERVER
    return _LOOK_AT_DATABASE if settings.dsn is not None else None
