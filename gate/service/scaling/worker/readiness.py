"""From the patch to the guests' seats: the floor is wanted, and then so many replicas are Ready.

Two times are told apart, for they have different causes: *patch → desired* is the autoscaler's,
*desired → Ready* is the scheduler's, the nodes' and the images'.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

import msgspec

from gate.cluster.scaling.values import Reference, Target
from gate.service.logs import log
from gate.service.scaling.worker.watching import WORKLOADS, Key, Workload


class Times(Protocol):
    """Who notes them."""

    def desired(self, event: str, at: datetime) -> None:
        """The floor is wanted."""

    def ready(self, event: str, at: datetime) -> None:
        """The floor is Ready."""


class Awaited(msgspec.Struct, frozen=True, kw_only=True):
    """A floor that was set at ``since`` and is not Ready yet; ``event`` is its row.

    ``waiting_since`` is from when on its target has not been Ready, maybe for an earlier floor.
    """

    target: Target
    event: str
    floor: int
    scales: Reference | None
    since: datetime
    waiting_since: datetime
    desired_at: datetime | None = None


class Missing(msgspec.Struct, frozen=True, kw_only=True):
    """A floor that is not Ready in time, and what is still missing."""

    target: Target
    floor: int
    ready: int | None
    said: str


class Readiness:
    """Follows what was raised until it stands; for the worker's one thread."""

    def __init__(self, times: Times, within: timedelta) -> None:
        self._times = times
        self._within = within
        self._awaited: dict[Key, Awaited] = {}
        self._seen: dict[Key, Workload | None] = {}

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of workload that something is waited for on."""
        return frozenset(each.scales.kind for each in self._awaited.values() if each.scales)

    @property
    def awaited(self) -> tuple[Awaited, ...]:
        """What is waited for."""
        return tuple(self._awaited.values())

    def begin(self, target: Target, event: str, at: datetime) -> None:
        """Wait for the floor of a target, as it stands now.

        One that takes the place of another which is not Ready is late when that one is: else
        the fallback, which raises a late floor, would end by its own doing.
        """
        if target.scales is None or target.scales.kind not in WORKLOADS:
            log("readiness-not-followed", target=str(target), scales=str(target.scales))
            return
        before = self._awaited.get(target.key)
        self._awaited[target.key] = Awaited(
            target=target,
            event=event,
            floor=target.now.min,
            scales=target.scales,
            since=at,
            waiting_since=at if before is None else before.waiting_since,
        )

    def end(self, key: Key) -> None:
        """Wait no more: the floor was given back, or its target is gone."""
        self._awaited.pop(key, None)
        self._seen.pop(key, None)

    def only(self, keys: Iterable[Key]) -> None:
        """Wait no more for any other target."""
        for key in self._awaited.keys() - set(keys):
            self.end(key)

    def look(
        self,
        desired: Mapping[str, int],
        workloads: Mapping[Key, Workload],
        at: datetime,
    ) -> list[Awaited]:
        """Note what has come true by now; those that are Ready are waited for no more."""
        done: list[Awaited] = []
        for key, each in list(self._awaited.items()):
            assert each.scales is not None
            place = each.target.namespace, each.scales.kind, each.scales.name
            workload = self._seen[key] = workloads.get(place)
            now = self._desired(key, each, desired.get(each.target.uid, 0), workload, at)
            if workload is not None and now.desired_at and workload.ready >= now.floor:
                self._times.ready(now.event, at)
                log("floor-ready", target=str(now.target), floor=now.floor,
                    seconds=round((at - now.since).total_seconds(), 1))  # fmt: skip
                done.append(now)
                self.end(key)
        return done

    def late(self, at: datetime) -> list[Missing]:
        """What should be Ready by now and is not."""
        return [
            self._missing(key, each)
            for key, each in self._awaited.items()
            if at - each.waiting_since >= self._within
        ]

    def next_late(self, at: datetime) -> datetime | None:
        """When the next one is late."""
        due = (each.waiting_since + self._within for each in self._awaited.values())
        return min((moment for moment in due if moment > at), default=None)

    def _desired(
        self, key: Key, each: Awaited, wanted: int, workload: Workload | None, at: datetime
    ) -> Awaited:
        asked = max(wanted, workload.replicas if workload is not None else 0)
        if each.desired_at is not None or asked < each.floor:
            return each
        self._times.desired(each.event, at)
        now = self._awaited[key] = msgspec.structs.replace(each, desired_at=at)
        return now

    def _missing(self, key: Key, each: Awaited) -> Missing:
        workload = self._seen.get(key)
        minutes = self._within.total_seconds() / 60
        if workload is None:
            said = f"{each.scales} is not known"
        elif each.desired_at is None:
            said = f"{each.scales} is asked for {workload.replicas} replicas only"
        else:
            said = f"{each.floor - workload.ready} replicas of {each.scales} are not Ready"
        if workload is not None and workload.trouble:
            said += f" ({workload.trouble})"
        return Missing(
            target=each.target,
            floor=each.floor,
            ready=None if workload is None else workload.ready,
            said=f"{minutes:g} min after the floor of {each.floor} was set, {said}",
        )
