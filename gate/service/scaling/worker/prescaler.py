"""The pre-scaling worker: keeps every target at its floor, and sees that it becomes Ready.

It holds a Lease while it writes, follows targets by watches, and wakes when one of them, the
inputs, or the plan changes. With nothing to do it makes no calls but the watches' own renewals.
"""

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec
from kubernetes.client import ApiClient
from msgspec.structs import replace

from gate.cluster.scaling.gitops import reversals
from gate.cluster.scaling.values import Hold, Target, Wish
from gate.cluster.scaling.wanting import in_force
from gate.core.backoff import Backoff
from gate.service.keeper.reflector import Watching
from gate.service.logs import log
from gate.service.outbox import Outbox
from gate.service.scaling.calls import Patience
from gate.service.scaling.judging import Judged
from gate.service.scaling.record import ScalingRecorder, event_of
from gate.service.scaling.run import HoldsOf, Outcome, bring
from gate.service.scaling.standing import StandingHolds
from gate.service.scaling.worker.beside import Beside
from gate.service.scaling.worker.clock import ServerClock
from gate.service.scaling.worker.guarded import GuardedScalers, LeaseLost
from gate.service.scaling.worker.lease import Lease
from gate.service.scaling.worker.planning import Planning
from gate.service.scaling.worker.readiness import Readiness
from gate.service.scaling.worker.said import Said
from gate.service.scaling.worker.watching import Connect, Known, Targets, Workloads
from gate.service.workers import Workers

_FIRST_RETRY_SECONDS, _LONGEST_RETRY_SECONDS = 0.5, 15.0
_END_SECONDS, _DEFECT_SECONDS = 5.0, 2.0
_PATIENCE = Patience(busy=10.0, unreachable=4.0, errors=3)
"""A round must not keep the next one, which may be that of a fault; what fails is tried again."""
_WATCHING = Watching(longest_retry=5.0)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """``lease_namespace`` and ``identity`` are the Lease's; ``look``: how often files are looked
    at; ``rest``: what changes come together are judged together; ``ready_within``: a floor that is
    not Ready by then is a failure; ``recheck``: rounds that nothing has asked for (no API calls);
    ``foresee``: whether it looks after cache settings and the days to come, too.
    """

    lease_namespace: str
    identity: str
    namespace: str | None = None
    ready_within: timedelta = timedelta(minutes=5)
    look: timedelta = timedelta(seconds=0.25)
    rest: timedelta = timedelta(seconds=0.1)
    recheck: timedelta = timedelta(seconds=5)
    foresee: bool = False


class PrescaleWorker:
    """One candidate. ``connect`` makes a client; ``outbox`` takes what is recorded.

    ``standing`` says what people hold; None: the targets' own word.
    """

    name = "prescale"

    def __init__(
        self,
        connect: Callable[[], ApiClient],
        planning: Planning,
        settings: Settings,
        outbox: Outbox,
        *,
        standing: StandingHolds | None = None,
        clock: ServerClock | None = None,
    ) -> None:
        self.clock = clock or ServerClock()
        self.rounds = 0
        self._lease: Lease | None = None
        self._connect = connect
        self._planning = planning
        self._settings = settings
        self.outbox = outbox
        self._standing = standing
        self._holds_of: HoldsOf = standing or self._own_holds
        self.said = Said(outbox, self.clock)
        self._recorder = ScalingRecorder(outbox)
        self._readiness = Readiness(self._recorder, settings.ready_within)
        self._wake = threading.Event()
        self._fresh: dict[str, tuple[str, Target]] = {}
        self._late: set[str] = set()
        self._greeted = self._settled = False
        self._penalties: dict[str, _Penalty] = {}
        self._beside = Beside(connect, self.said.foreseen, store=outbox.where)

    @property
    def holds(self) -> bool:
        """Whether it may write now."""
        return self._lease is not None and self._lease.held

    @property
    def awaits(self) -> int:
        """How many floors are not Ready yet."""
        return len(self._readiness.awaited)

    def run(self, stop: threading.Event) -> None:
        """Work until told to stop; the Lease is given back at the end."""
        lease = self._lease = Lease(
            self._connect(),
            self._settings.lease_namespace,
            self._settings.identity,
            changed=self._wake.set,
            hear=self.clock.hear,
        )
        scalers = GuardedScalers(
            self._connect(),
            lambda: lease.held and not stop.is_set(),
            wait=stop.wait,
            patience=_PATIENCE,
        )
        connect: Connect = self._connect
        chosen = self._settings.namespace, self._wake.set, _WATCHING
        targets, workloads = Targets(connect, *chosen), Workloads(connect, *chosen)
        end = threading.Event()
        outbox = threading.Thread(target=self.outbox.run, args=[end], name="outbox", daemon=True)
        for each in (outbox, lease, targets):
            each.start()
        if self._standing is not None:
            self._standing.changed = self._wake.set
            threading.Thread(
                target=self._standing.run, args=[end], name="holds", daemon=True
            ).start()
        log("prescale-started", identity=self._settings.identity)
        beside = Workers()
        if self._settings.foresee:
            beside.start(self._beside)
        try:
            self._planning.wait(stop)
            self._loop(stop, lease, scalers, targets, workloads)
        finally:
            self._beside.know(None)
            lease.end()
            targets.end()
            workloads.follow(())
            beside.end(_END_SECONDS)
            end.set()
            # With nothing to write: the thread looks up, and sees that it is over.
            self.outbox.put()
            outbox.join(timeout=_END_SECONDS)
            log("prescale-ended")

    def _loop(
        self,
        stop: threading.Event,
        lease: Lease,
        scalers: GuardedScalers,
        targets: Targets,
        workloads: Workloads,
    ) -> None:
        due = 0.0
        while not stop.is_set():
            news = self._planning.look()
            woken = self._wake.is_set()
            self._wake.clear()
            if woken or news or time.monotonic() >= due:
                seconds = self._seconds(lease, scalers, targets, workloads)
                due = time.monotonic() + seconds
                stop.wait(self._settings.rest.total_seconds())
            left = min(due - time.monotonic(), self._settings.look.total_seconds())
            # Files give no sign, nor does the stop: both are looked at this often.
            self._wake.wait(max(left, 0.0))

    def _seconds(
        self, lease: Lease, scalers: GuardedScalers, targets: Targets, workloads: Workloads
    ) -> float:
        """A round, whatever happens in it; in how many seconds the next one is due."""
        try:
            seconds = self._round(lease, scalers, targets.known(), workloads)
        # Without the next round no floor would ever move again.
        except Exception as error:
            self.said.defect(f"{type(error).__name__}: {error}"[:300])
            return _DEFECT_SECONDS
        self.said.defect(None)
        return seconds

    def _round(
        self, lease: Lease, scalers: GuardedScalers, known: Known, workloads: Workloads
    ) -> float:
        """Do what is to be done now; in how many seconds the next round is due."""
        now = self.clock()
        self.rounds += 1
        self.said.surroundings(self._planning, known, lease, self.clock, self.outbox)
        if not lease.held or not known.synced or self._planning.waits:
            if not lease.held:
                self._greeted = self._settled = False
                self._beside.know(None)
            workloads.follow(())
            return self._settings.recheck.total_seconds()
        current = self._current(known)
        if not self._greeted:
            self._greet(current, now)
        judged = self._planning.at(now)
        self.said.level(judged)
        self._bring(scalers, current, judged)
        self._beside.know(self._planning.situation(judged, current, self._settings.namespace))
        self._follow(known, workloads)
        return self._next_round(current, judged.at)

    def _bring(self, scalers: GuardedScalers, current: tuple[Target, ...], judged: Judged) -> None:
        """Write what is to be written, but to a target that has just failed."""
        scalers.begin()
        penalized = {uid for uid, each in self._penalties.items() if each.holds}
        try:
            outcomes = bring(
                scalers,
                [target for target in current if target.uid not in penalized],
                lambda target: self._wish(judged, target),
                recorder=self._recorder,
                now=self.clock,
            )
        except LeaseLost:
            # Whoever holds it now sees the same targets; what was written is found on them.
            self._greeted = self._settled = False
            return
        for outcome in outcomes:
            self._take(outcome)
        self.said.outcomes(outcomes)

    def _wish(self, judged: Judged, target: Target) -> Wish:
        """What the plan asks; the fallback, too, where a floor of it is not Ready in time."""
        holds = self._holds_of(target)
        wish = judged.wish(target, holds)
        if target.uid not in self._late or wish.min <= target.own.min:
            return wish
        late = replace(judged, fallback=True, reason="the floor is not Ready in time")
        return late.wish(target, holds)

    def _own_holds(self, target: Target) -> tuple[Hold, ...] | None:
        """The target's own word, where no database knows better; holds that are over go."""
        return in_force(target.holds, self.clock()) if target.holds else None

    def _take(self, outcome: Outcome) -> None:
        step, after = outcome.step, outcome.after
        if step.error and step.target.error is None and reversals(step) is None:
            self._penalties.setdefault(step.target.uid, _Penalty()).begin()
        else:
            self._penalties.pop(step.target.uid, None)
        if after is None:
            return
        self._fresh[after.uid] = step.target.resource_version, after
        event = event_of(after)
        if event is None:
            self._readiness.end(after.key)
        elif outcome.applied_at is not None and step.changed:
            self._readiness.begin(after, event, outcome.applied_at)

    def _current(self, known: Known) -> tuple[Target, ...]:
        """The targets as they are known, or as our own patch has left them since."""
        found: list[Target] = []
        for target in known.targets:
            version, after = self._fresh.get(target.uid, ("", target))
            if version == target.resource_version:
                found.append(replace(after, notes=target.notes))
                continue
            self._fresh.pop(target.uid, None)
            found.append(target)
        self._readiness.only(target.key for target in found)
        return tuple(found)

    def _greet(self, current: tuple[Target, ...], now: datetime) -> None:
        """Take over: record what an earlier holder did, and wait for what it waited for."""
        self._greeted = True
        for target in current:
            self._recorder.found(target, now)
            event = event_of(target)
            if event is not None and target.raised is not None:
                self._readiness.begin(target, event, target.raised.at)
        self._recorder.without(current, self._settings.namespace, now)

    def _follow(self, known: Known, workloads: Workloads) -> None:
        """Look at what is waited for, by watches that live no longer than the waiting."""
        workloads.follow(self._readiness.kinds)
        now = self.clock()
        seen, synced = workloads.known()
        self._readiness.look(known.desired, seen, now)
        if self._readiness.kinds <= synced:
            late = self._readiness.late(now)
            self._late = {each.target.uid for each in late}
            self.said.late(late)
            if not self._settled:
                self._settled = True
                self.said.taken_over()
        workloads.follow(self._readiness.kinds)

    def _next_round(self, current: tuple[Target, ...], now: datetime) -> float:
        """Seconds to the next moment after ``now``, which is what was judged by: none is missed."""
        moments = [now + self._settings.recheck, self._planning.next_change(now)]
        for target in current:
            holds = self._holds_of(target)
            standing = in_force(target.holds if holds is None else holds, now)
            moments += (hold.until for hold in standing)
        late = self._readiness.next_late(now)
        if late is not None:
            moments.append(late)
        seconds = (min(moments) - self.clock()).total_seconds()
        return max(min([seconds, *(each.left for each in self._penalties.values())]), 0.0)


class _Penalty:
    """A target that could not be written is left alone for a while, then for longer."""

    def __init__(self) -> None:
        self._backoff = Backoff(_FIRST_RETRY_SECONDS, _LONGEST_RETRY_SECONDS)
        self._until = 0.0

    def begin(self) -> None:
        self._until = time.monotonic() + self._backoff.next_seconds()

    @property
    def left(self) -> float:
        return self._until - time.monotonic()

    @property
    def holds(self) -> bool:
        return self.left > 0
