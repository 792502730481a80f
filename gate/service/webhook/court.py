"""From a review's bytes to the answer's: classify, decide, record, answer."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime

import msgspec

from gate.cluster.answers import Answers, passed
from gate.cluster.changes import Context, Why, classify
from gate.cluster.fallback.probe import PROBE_WARNING, is_probe
from gate.cluster.history import History
from gate.cluster.requests import requests_of, set_aside, strictest
from gate.cluster.review import Review, read_review
from gate.core.decide import undecided
from gate.core.decision import Decision, Reason, Request
from gate.core.instants import micros
from gate.core.policy import Action
from gate.core.problems import InputError
from gate.journal.errors import JournalUnavailable
from gate.journal.writer import Journal
from gate.ledger.canonical import canonical
from gate.ledger.fresh_ids import Identifiers
from gate.service.clock import utc_now
from gate.service.webhook.metrics import Metrics
from gate.service.webhook.standing import Standing
from gate.service.webhook.stencils import Stencil


class Hearing:
    """What a review came to: an answer, or a decision that has to be recorded before it is one."""

    __slots__ = ("actions", "answer", "answers", "cut", "decision", "recording", "uid")

    def __init__(
        self,
        *,
        answer: bytes | None = None,
        uid: str = "",
        decision: Decision | None = None,
        recording: "asyncio.Future[None] | None" = None,
        answers: Answers | None = None,
        actions: Sequence[Action] = (),
        cut: bytes = b"",
    ) -> None:
        """``cut`` is the answer of a decision that is recorded, where a stencil gave it."""
        self.answer = answer
        self.cut = cut
        self.uid = uid
        self.decision = decision
        self.recording = recording
        self.answers = answers
        self.actions = actions


class Court:
    """Judges reviews by what stands now. One a worker; nothing here waits but for the journal."""

    def __init__(
        self,
        *,
        standing: Callable[[], Standing],
        history: History,
        journal: Journal,
        metrics: Metrics,
        environment: str | None,
        own_namespace: str,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._standing = standing
        self._history = history
        self._journal = journal
        self._metrics = metrics
        self._environment = environment
        self._own_namespace = own_namespace
        self._clock = clock
        self._ids = Identifiers()

    def hear(self, body: bytes | bytearray) -> Hearing:
        """Judge a review, and hand its record to the journal. Raises BadReview."""
        review = read_review(body)
        if is_probe(review):
            return self._passed(review, Why.PROBE, (PROBE_WARNING,))
        standing = self._standing()
        caller = standing.callers.of(review.user)
        if why := set_aside(review, caller, self._own_namespace):
            return self._passed(review, why)
        at = self._clock()
        change = classify(review, Context(caller.invoker, standing.floor(at), self._history))
        if not change.actions:
            return self._passed(review, change.why)
        requests = requests_of(review, change.actions, caller, self._environment)
        return self._judged(review, standing, requests, at)

    async def rule(self, hearing: Hearing) -> bytes:
        """The answer of a decision, once it is durable.

        *Undecided* where the journal cannot, or where the task is cancelled before: its deadline.
        """
        if hearing.recording is not None:
            # How it went is the future's to say, also where this task was cancelled meanwhile.
            with suppress(asyncio.CancelledError, JournalUnavailable):
                await hearing.recording
        return self.conclude(hearing)

    def conclude(self, hearing: Hearing) -> bytes:
        """The answer of a decision whose recording, if there is one, is done."""
        decision, recording = hearing.decision, hearing.recording
        assert decision is not None
        assert hearing.answers is not None
        if recording is not None:
            if recording.cancelled():
                decision = self._unrecorded(decision, "the journal did not answer in time")
            elif error := recording.exception():
                decision = self._unrecorded(decision, str(error))
        self._metrics.decided(decision)
        if hearing.cut and decision is hearing.decision:
            return hearing.cut
        return hearing.answers.of(hearing.uid, decision, hearing.actions)

    def _judged(
        self, review: Review, standing: Standing, requests: Sequence[Request], at: datetime
    ) -> Hearing:
        stencils = standing.stencils
        if len(requests) > 1 or stencils is None or review.dry_run:
            decision = strictest([standing.inputs.decide(request, at) for request in requests])
            return self._recorded(review, standing, requests, decision)
        request = requests[0]
        if stencil := stencils.find(request, micros(at)):
            decision = msgspec.structs.replace(stencil.decision, at=at, request=request)
            return self._recorded(review, standing, requests, decision, stencil)
        decision = standing.inputs.decide(request, at)
        stencils.learn(request, decision)
        return self._recorded(review, standing, requests, decision)

    def _recorded(
        self,
        review: Review,
        standing: Standing,
        requests: Sequence[Request],
        decision: Decision,
        stencil: Stencil | None = None,
    ) -> Hearing:
        """The hearing, with its decision on the way into the journal; a dry run leaves no trace."""
        uid, cut = review.uid, b""
        recording: asyncio.Future[None] | None = None

        def encode(identifier: str) -> bytes:
            nonlocal decision, cut
            if stencil is not None:
                cut = stencil.answer(identifier, uid)
                return stencil.payload(decision.at, identifier, uid)
            decision = msgspec.structs.replace(decision, id=identifier, recorded=True)
            return canonical(decision)

        if review.dry_run:
            decision = msgspec.structs.replace(decision, id=self._ids.next())
        else:
            try:
                recording = self._journal.append(decision.at, encode)
            except (JournalUnavailable, InputError) as error:
                decision, cut = self._unrecorded(decision, str(error)), b""
        return Hearing(
            uid=uid,
            decision=decision,
            recording=recording,
            cut=cut,
            answers=standing.answers,
            actions=tuple([request.action for request in requests]),
        )

    def _passed(self, review: Review, why: Why, warnings: tuple[str, ...] = ()) -> Hearing:
        self._metrics.passed(why)
        return Hearing(answer=passed(review.uid, why, warnings))

    def _unrecorded(self, decision: Decision, why: str) -> Decision:
        # A fresh id: the journal may hold the one that could not be confirmed.
        outage = Reason(code="store-unavailable", message=f"the decision cannot be recorded: {why}")
        return undecided(
            self._standing().inputs.policy,
            (decision.policy, decision.calendar),
            decision.request,
            decision.at,
            [outage],
            id=self._ids.next(),
        )
