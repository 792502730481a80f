"""The worker of the deployment protection rule: each waiting deployment gets the gate's word.

What waits is in the database, and what is due is found anew each second by judging without a
record; so a lock that was released, an override and a restart need no case of their own. A decision
is recorded when an answer rests on it: an approval, a rejection, a comment.
"""

import random
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from gate.core.backoff import Backoff
from gate.core.decision import Decision, Effect, Request, Verdict
from gate.core.policy import Policy
from gate.github.calls import Caller, Limits, Stopped, Unclear
from gate.github.client import Connection
from gate.github.protection.review import MOST_COMMENTS, Outcome, Sent, State, send
from gate.github.protection.words import approving, holding, rejecting
from gate.github.timing import RealTiming, Timing
from gate.service.github.asked import Asked, Finished, Waiting
from gate.service.logs import log
from gate.store.connect import Target
from gate.store.errors import StoreUnavailable

LANES = 3
"""Threads: one that GitHub keeps waiting must not hold up a new deployment."""
LOOK_SECONDS = 1.0
LONGEST_WAIT = timedelta(days=30)
"""GitHub gives up a waiting deployment after that time."""
_ANSWER_SECONDS = 8.0
_LONGEST_BLOCK_SECONDS = 2.0
_FIRST_RETRY_SECONDS, _LONGEST_RETRY_SECONDS = 1.0, 60.0
_MISSING_IN_A_ROW = 3
"""A run may not be shown for a moment after its request; one that stays away is gone."""
_PRUNE_SECONDS = 600.0


class Judge(Protocol):
    """Who decides, from what may change at any time."""

    @property
    def policy(self) -> Policy | None:
        """The policy in force, None where it cannot be read."""
        ...

    def refresh(self) -> None:
        """Take notice of what has changed; never raises for what is wrong with it."""
        ...

    def preview(self, request: Request, at: datetime) -> Decision:
        """The decision, which nothing rests on yet and which is not recorded."""
        ...

    def __call__(self, request: Request, at: datetime) -> Decision:
        """The decision, recorded; undecided where that fails."""
        ...


class Protecting:
    """Answers waiting deployments until told to stop; any number of servers may do so at once."""

    name = "github-protection"

    def __init__(
        self,
        where: Target,
        connection: Connection,
        judge: Judge,
        *,
        timing: Timing | None = None,
        lanes: int = LANES,
        share: Callable[[], float] = random.random,
    ) -> None:
        self._where = where
        self._connection = connection
        self._judge = judge
        self._timing = timing
        self._lanes = lanes
        self._share = share
        self._limits = Limits(connection.url)

    def run(self, stop: threading.Event) -> None:
        """Work in several threads until ``stop`` is set, whatever happens to the database."""
        timing = self._timing or RealTiming(stop)
        threads = [
            threading.Thread(target=self._lane, args=[stop, timing], daemon=True)
            for _ in range(self._lanes - 1)
        ]
        for thread in threads:
            thread.start()
        self._lane(stop, timing, prunes=True)
        for thread in threads:
            thread.join()

    def turn(self, asked: Asked, timing: Timing, stop: threading.Event) -> None:
        """Look at all that waits, once. Raises `StoreUnavailable`."""
        self._judge.refresh()
        now = timing.now()
        looks: dict[Request, Decision] = {}
        for waiting in asked.waiting(now):
            if stop.is_set():
                return
            request = waiting.request
            if request not in looks:
                looks[request] = self._judge.preview(request, now)
            if not self._due(waiting, looks[request], now):
                continue
            with asked.claimed(waiting.number, now) as claimed:
                if claimed is not None:
                    self._attend(asked, claimed, timing)
                    # GitHub took its time.
                    now, looks = timing.now(), {}

    def _lane(self, stop: threading.Event, timing: Timing, *, prunes: bool = False) -> None:
        backoff = Backoff(_FIRST_RETRY_SECONDS, _LONGEST_RETRY_SECONDS, self._share)
        prune_at = timing.monotonic()
        while not stop.is_set():
            try:
                with Asked.opened(self._where) as asked:
                    while not stop.is_set():
                        self.turn(asked, timing, stop)
                        backoff.reset()
                        if prunes and timing.monotonic() >= prune_at:
                            asked.prune(timing.now())
                            prune_at = timing.monotonic() + _PRUNE_SECONDS
                        timing.wait(LOOK_SECONDS)
            # Whatever it is, the next attempt may succeed, and what waits is in the database.
            except Exception as error:
                kind = "" if isinstance(error, StoreUnavailable) else f"{type(error).__name__}: "
                log("github-protection-interrupted", error=f"{kind}{error}")
                timing.wait(backoff.next_seconds())

    def _due(self, waiting: Waiting, decision: Decision, now: datetime) -> bool:
        """Whether there is something to tell GitHub."""
        if decision.effect is not Effect.BLOCK or waiting.sending is not None:
            return True
        if now - waiting.requested_at >= LONGEST_WAIT:
            return True
        if _is_rejected(decision, self._judge.policy):
            return True
        return not waiting.knows(decision) and waiting.comments < MOST_COMMENTS

    def _attend(self, asked: Asked, waiting: Waiting, timing: Timing) -> None:
        """Answer a request that is claimed, or put it off."""
        now = timing.now()
        if now - waiting.requested_at >= LONGEST_WAIT:
            self._finish(asked, waiting, "gone", now, "GitHub has given it up after 30 days")
            return
        brisk = _Brisk(timing)
        caller = Caller(
            self._connection,
            waiting.repository,
            timing=brisk,
            limits=self._limits,
            seconds=_ANSWER_SECONDS,
        )
        try:
            self._answer(asked, waiting, self._judge(waiting.request, now), caller, timing)
        except StoreUnavailable:
            raise
        except (Stopped, Unclear) as error:
            why = "GitHub's limits ask for a pause" if brisk.declined else str(error)
            self._put_off(asked, waiting, timing, why)
        # One request that something is wrong with must not keep the others waiting.
        except Exception as error:
            self._put_off(asked, waiting, timing, f"{type(error).__name__}: {error}")

    def _answer(
        self, asked: Asked, waiting: Waiting, decision: Decision, caller: Caller, timing: Timing
    ) -> None:
        state, comment = self._word(waiting, decision)
        if state is not None:
            asked.sending(waiting, state, decision)
        elif waiting.knows(decision) or waiting.comments >= MOST_COMMENTS:
            # The preview said otherwise: what it was about to rest on could not be recorded.
            self._put_off(asked, waiting, timing, "the decision could not be recorded")
            return
        else:
            asked.commenting(waiting, decision)
        sent = send(caller, waiting.run_id, waiting.environment, state=state, comment=comment)
        now = timing.now()
        if sent.outcome is Outcome.NOT_WAITING:
            # An earlier answer, of which nothing was heard, may be the one that has arrived.
            self._finish(asked, waiting, waiting.sending or "gone", now, sent.message)
        elif sent.outcome is Outcome.MISSING and waiting.attempts + 1 >= _MISSING_IN_A_ROW:
            self._finish(asked, waiting, "gone", now, sent.message)
        elif sent.outcome is Outcome.DONE and state is not None:
            self._finish(asked, waiting, state, now, None)
        elif sent.outcome is Outcome.DONE or _never(sent, state):
            asked.told(waiting, decision, comment, now, sent.message or None)
            log("github-protection-held", repository=waiting.repository, run=waiting.run_id,
                environment=waiting.environment, decision=decision.id,
                until=decision.next_change, error=sent.message or None)  # fmt: skip
        else:
            self._put_off(asked, waiting, timing, f"GitHub answered {sent.message}")

    def _word(self, waiting: Waiting, decision: Decision) -> tuple[State | None, str]:
        """The state to send (None: it waits on), and the comment with it."""
        policy = self._judge.policy
        home = policy.timezone if policy else None
        if decision.effect is not Effect.BLOCK:
            return "approved", approving(decision, home)
        if _is_rejected(decision, policy):
            return "rejected", rejecting(decision, waiting.environment, home)
        return None, holding(decision, waiting.environment, home)

    def _finish(
        self, asked: Asked, waiting: Waiting, state: Finished, now: datetime, why: str | None
    ) -> None:
        asked.finish(waiting, state, now, why)
        log("github-protection-answered", repository=waiting.repository, run=waiting.run_id,
            environment=waiting.environment, state=state, why=why)  # fmt: skip

    def _put_off(self, asked: Asked, waiting: Waiting, timing: Timing, why: str) -> None:
        seconds = min(
            _FIRST_RETRY_SECONDS * 2.0 ** min(waiting.attempts, 6), _LONGEST_RETRY_SECONDS
        )
        quiet = self._limits.quiet_until - timing.monotonic()
        seconds = max(seconds * (0.5 + 0.5 * self._share()), quiet)
        asked.later(waiting, timing.now() + timedelta(seconds=seconds), why)
        log("github-protection-put-off", repository=waiting.repository, run=waiting.run_id,
            environment=waiting.environment, seconds=round(seconds, 1), why=why)  # fmt: skip


class _Brisk:
    """Time for requests that rather fail than wait long: the database remembers them better."""

    def __init__(self, timing: Timing) -> None:
        self._timing = timing
        self.declined = False

    def now(self) -> datetime:
        """The present instant, UTC."""
        return self._timing.now()

    def monotonic(self) -> float:
        """Seconds that only go forward."""
        return self._timing.monotonic()

    def wait(self, seconds: float) -> bool:
        """True, at once, where the wait would be long; ``declined`` then."""
        self.declined = self.declined or seconds > _LONGEST_BLOCK_SECONDS
        return self.declined or self._timing.wait(seconds)


def _is_rejected(decision: Decision, policy: Policy | None) -> bool:
    """Whether what is blocked is not to wait; what could not be decided always waits."""
    denied = decision.verdict is Verdict.DENY
    return denied and policy is not None and policy.github.on_lock == "reject"


def _never(sent: Sent, state: State | None) -> bool:
    """Whether a comment was refused for good: it is not worth holding up what matters."""
    return state is None and sent.outcome is Outcome.REFUSED and sent.message.startswith("422")
