"""What the worker goes by: the plan of what was read last, and in trouble the fallback, too."""

import threading
from collections.abc import Iterable
from datetime import datetime, timedelta

from msgspec.structs import replace

from gate.cluster.scaling.values import Target
from gate.core.instants import duration_micros, micros
from gate.core.plan import plan_changes
from gate.inputs import Compiled, trouble_of
from gate.service.load.observing import Followed
from gate.service.scaling.judging import Judged, judge
from gate.service.scaling.worker.beside import Situation

_LOOK_AHEAD = timedelta(days=7)
"""The next change of the plan is looked for so far; then it is looked for again."""


class Planning:
    """The plan at any instant. What was read last stays the plan while it cannot be read again.

    A source of observed load that has failed is a trouble like a file that cannot be read.
    """

    def __init__(
        self,
        inputs: Followed,
        *,
        ahead: timedelta,
        hold: timedelta,
    ) -> None:
        self._inputs = inputs
        self._ahead, self._hold = ahead, hold
        self._compiled: Compiled | None = None
        self._next: datetime | None = None
        self._seen: tuple[str, ...] = ()

    @property
    def waits(self) -> bool:
        """Whether nothing was ever read, and nothing is known to be amiss yet."""
        return self._compiled is None and self._inputs.trouble is None

    @property
    def lost(self) -> str | None:
        """Why the database does not answer."""
        return self._inputs.lost

    def wait(self, stop: threading.Event) -> None:
        """Until it is known what there is to read, within seconds."""
        self._inputs.wait(stop)

    def look(self) -> bool:
        """Read what has changed; whether there is anything new to go by."""
        fresh = self._inputs.look()
        if fresh is not None:
            self._compiled, self._next = fresh, None
        before, self._seen = self._seen, self.troubles()
        return fresh is not None or self._seen != before

    def troubles(self) -> tuple[str, ...]:
        """Why the fallback holds; nothing where it does not."""
        found = [self._inputs.trouble] if self._inputs.trouble else []
        observed = None if self._compiled is None else self._compiled.facts.observed
        if self._compiled is not None and observed is not None and observed.failed:
            found.append(str(trouble_of(self._compiled)))
        return tuple(found)

    def at(self, now: datetime) -> Judged:
        """What holds now. Never raises: a plan that cannot be computed is one that is not known."""
        troubles = list(self.troubles())
        judged: Judged | None = None
        if self._compiled is not None:
            try:
                judged = judge(self._compiled, now, ahead=self._ahead, hold=self._hold)
            # Whatever is wrong with it, capacity must stand.
            except Exception as error:
                troubles.append(f"the plan cannot be computed: {type(error).__name__}: {error}")
        if judged is None:
            judged = self._unknown(now)
        if troubles and not judged.fallback:
            judged = replace(judged, fallback=True)
        return replace(judged, reason="; ".join(troubles)) if troubles else judged

    def situation(
        self, judged: Judged, targets: Iterable[Target], namespace: str | None
    ) -> Situation:
        """What is gone by now, for what goes beside the floors."""
        compiled = self._compiled
        return Situation(
            at=judged.at,
            level=judged.level,
            cache=judged.cache,
            namespaces=frozenset(target.namespace for target in targets),
            demand=None if compiled is None else compiled.timeline.calendar.demand,
            capacity=judged.capacity,
            ahead=duration_micros(self._ahead),
            hold=duration_micros(self._hold),
            namespace=namespace,
        )

    def next_change(self, now: datetime) -> datetime:
        """When the plan is another, or is to be looked at again."""
        if self._next is None or self._next <= now:
            self._next = self._change_after(now)
        return self._next

    def _change_after(self, now: datetime) -> datetime:
        if self._compiled is None:
            return now + _LOOK_AHEAD
        start, end = micros(now), micros(now + _LOOK_AHEAD)
        try:
            changes = plan_changes(
                self._compiled.timeline.calendar.demand,
                self._compiled.policy.load.capacity,
                start,
                end,
                ahead=duration_micros(self._ahead),
                hold=duration_micros(self._hold),
            )
            next(changes)
            following = next(changes, None)
        except Exception:
            # `at` says so.
            following = None
        return now + _LOOK_AHEAD if following is None else following.at

    def _unknown(self, now: datetime) -> Judged:
        """The fallback of the policy, where that could be read."""
        unreadable = self._inputs.unreadable
        policy = unreadable.policy if unreadable is not None else None
        if policy is None and self._compiled is not None:
            policy = self._compiled.policy
        capacity = None if policy is None else policy.load.capacity
        reason = "nothing was read yet"
        return Judged(at=now, level=None, capacity=capacity, reason=reason, fallback=True)
