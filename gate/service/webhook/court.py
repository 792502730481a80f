"""From a review's bytes to the answer's: classify, decide, record, answer."""

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import msgspec

from gate.cluster import answers
from gate.cluster.changes import Context, classify
from gate.cluster.history import History
from gate.cluster.requests import invoker_of, is_exempt, requests_of, strictest
from gate.cluster.review import Review, read_review
from gate.core.decide import decide, undecided
from gate.core.decision import Decision, Reason, Request
from gate.core.ids import RANDOM_BYTES, uuid7
from gate.core.problems import InputError
from gate.inputs import Compiled
from gate.journal import Journal, JournalUnavailable
from gate.ledger.canonical import canonical
from gate.service.webhook.metrics import Metrics
from gate.service.webhook.standing import Standing


PROBE_NAME = "saturday-gate-probe"
PROBE_WARNING = "saturday-gate: answering"


class Hearing(msgspec.Struct, frozen=True, kw_only=True):
    """What a review came to: an answer, or a decision that has to be recorded before it is one."""

    answer: bytes | None
    uid: str = ""
    decision: Decision | None = None
    recording: "asyncio.Future[None] | None" = None


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
        unmatched: frozenset[str],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._standing = standing
        self._history = history
        self._journal = journal
        self._metrics = metrics
        self._environment = environment
        self._unmatched = unmatched
        self._clock = clock

    def hear(self, body: bytes | bytearray) -> Hearing:
        """Judge a review, and hand its record to the journal. Raises BadReview."""
        review = read_review(body)
        standing = self._standing()
        policy = standing.inputs.policy
        if is_probe(review):
            return Hearing(answer=answers.passed(review.uid, warnings=(PROBE_WARNING,)))
        if review.namespace in self._unmatched:
            return self._passed(review, "namespace")
        if is_exempt(review, policy):
            return self._passed(review, "exempt")
        at = self._clock()
        invoker = invoker_of(review.user, policy)
        context = Context(invoker=invoker, floor=standing.floor(at), history=self._history)
        change = classify(review, context)
        if not change.actions:
            return self._passed(review, change.why)
        requests = requests_of(review, change.actions, policy, self._environment)
        return self._judged(review, standing, requests, at)

    async def rule(self, hearing: Hearing, deadline: float) -> bytes:
        """The answer of a decision, once it is durable; *undecided* where that is not had in time.

        ``deadline`` is of the event loop's clock.
        """
        decision, recording = hearing.decision, hearing.recording
        assert decision is not None
        if recording is not None:
            try:
                async with asyncio.timeout_at(deadline):
                    await recording
            except TimeoutError:
                decision = self._unrecorded(decision, "the journal did not answer in time")
            except JournalUnavailable as error:
                decision = self._unrecorded(decision, str(error))
        self._metrics.decided(decision)
        return answers.answer(hearing.uid, decision, self._standing().inputs.policy)

    def _judged(
        self, review: Review, standing: Standing, requests: Sequence[Request], at: datetime
    ) -> Hearing:
        decision = strictest([_decided(standing, request, at) for request in requests])
        if review.dry_run:
            decision = msgspec.structs.replace(decision, id=fresh_id())
            return Hearing(answer=None, uid=review.uid, decision=decision)

        def encode(identifier: str) -> bytes:
            nonlocal decision
            decision = msgspec.structs.replace(decision, id=identifier, recorded=True)
            return canonical(decision)

        recording: asyncio.Future[None] | None = None
        try:
            recording = self._journal.append(at, encode)
        except (JournalUnavailable, InputError) as error:
            decision = self._unrecorded(decision, str(error))
        return Hearing(answer=None, uid=review.uid, decision=decision, recording=recording)

    def _passed(self, review: Review, why: str) -> Hearing:
        self._metrics.passed(why)
        return Hearing(answer=answers.passed(review.uid))

    def _unrecorded(self, decision: Decision, why: str) -> Decision:
        # A fresh id: the journal may hold the one that could not be confirmed.
        outage = Reason(code="store-unavailable", message=f"the decision cannot be recorded: {why}")
        return undecided(
            self._standing().inputs.policy,
            (decision.policy, decision.calendar),
            decision.request,
            decision.at,
            [outage],
            id=fresh_id(),
        )


def _decided(standing: Standing, request: Request, at: datetime) -> Decision:
    inputs = standing.inputs
    if isinstance(inputs, Compiled):
        return decide(inputs.timeline, inputs.facts, request, at)
    return undecided(inputs.policy, inputs.refs, request, at, inputs.reasons)


def is_probe(review: Review) -> bool:
    """Whether the fallback's worker asks, through the API server, if somebody answers here."""
    return (
        bool(review.dry_run)
        and review.name == PROBE_NAME
        and review.kind.kind == "ConfigMap"
        and not review.kind.group
    )


def fresh_id() -> str:
    """An id of no record."""
    return uuid7(time.time_ns() // 1_000_000, os.urandom(RANDOM_BYTES))
