"""The answers of the twin, in the shapes of the contracts (no ids, digests and messages)."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import tzdata

from tests.twin import document
from tests.twin.load import Load, Stretch, read_weddings
from tests.twin.locked import FIELDS, REACH, Manual, Request, View, Windows
from tests.twin.zones import DAY

Json = dict[str, Any]


def text(t: datetime | None) -> str | None:
    """An instant as the contract prints it."""
    if t is None:
        return None
    plain = t.astimezone(UTC).replace(tzinfo=None)
    return plain.isoformat(timespec="microseconds" if plain.microsecond else "seconds") + "Z"


class Twin:
    """A policy document, the rows of a calendar and manual locks, all as plain values."""

    def __init__(
        self,
        policy: Mapping[str, Any],
        rows: Iterable[Mapping[str, Any]],
        locks: Iterable[Mapping[str, Any]] = (),
    ) -> None:
        self.policy = document.read(policy)
        self.loads = Load(self.policy, read_weddings(rows, self.policy.load))
        self.occurrences = Windows(self.policy, self.loads)
        self.stretches = self.loads.lock_stretches()
        self.locks = [_manual(lock) for lock in locks]

    def view(self, request: Request, a: datetime, b: datetime) -> View:
        """What the request sees; it looks 9 600 h and the lead beyond both instants."""
        between = (a - REACH - DAY, b + REACH + self.policy.lead + DAY)
        return View(self.occurrences, self.stretches, self.locks, asked(request), between)

    def decide(self, request: Request, at: datetime) -> Json:
        """The decision; a missing action is ``deploy``, a missing invoker ``automation``."""
        view = self.view(request, at, at)
        phase, verdict = view.phase(at), view.verdict(at)
        start = {
            "locked": view.interval_start(at),
            "lead": view.next_start(at),
            "open": None,
        }[phase]
        inside = {"locked": at, "lead": start, "open": None}[phase]
        end = view.interval_end(inside) if inside else None
        effect = "warn" if self.policy.mode == "warn" else "block"
        return {
            "at": text(at),
            "verdict": verdict,
            "effect": "allow" if verdict == "allow" else effect,
            "phase": phase,
            "level": self.loads.level(at),
            "request": asked(request),
            "reasons": self._reasons(view, phase, inside) if inside else [],
            "locked_from": text(_within_reach(start, at)),
            "locked_until": text(_within_reach(end, at)),
            "next_change": text(view.next_change(at)),
            "load": self.load_now(at),
            "override": None,
            "policy": {"name": self.policy.name},
            "calendar": {"weddings": len(self.loads.weddings)},
            "tzdata": tzdata.__version__,
        }

    def load_now(self, at: datetime) -> Json:
        """The ``load`` of a decision."""
        needed = self.loads.needed(at)
        return {
            "demand": float(self.loads.at_instant(at)),
            "needed": needed,
            "required_replicas": self.loads.required(needed),
            "shortfall": self.loads.shortfall(needed),
            "weddings_today": len(self.loads.standing(at)),
        }

    def _reasons(self, view: View, phase: str, t: datetime) -> list[Json]:
        reasons: list[Json] = []
        for window in view.locking:
            for occurrence in view.occurrences_at(window, t):
                reasons.append(_window_cause(window.name, occurrence.date, occurrence.holding(t)))
        for stretch in view.stretches:
            if stretch[0] <= t < stretch[1]:
                reasons.append({**_level_cause(stretch), "level": self.loads.level(t)})
        reasons.extend(_manual_cause(lock) for lock in view.manual if lock.holds(t))
        if phase == "lead":
            reasons = [{**reason, "code": "lead", "cause": reason["code"]} for reason in reasons]
        return reasons

    def windows(self, request: Request, start: datetime, end: datetime) -> list[Json]:
        """``L`` clipped to ``[start, end)``, with the causes of every stretch, unclipped."""
        view = self.view(request, start, end)
        edges = [start, *(edge for edge in view.boundaries if start < edge < end), end]
        merged: list[Stretch] = []
        for a, b in pairwise(edges):
            if view.locked(a):
                if merged and merged[-1][1] == a:
                    a = merged.pop()[0]  # noqa: PLW2901
                merged.append((a, b))
        return [
            {"start": text(a), "end": text(b), "causes": self._causes(view, a, b)}
            for a, b in merged
        ]

    def _causes(self, view: View, a: datetime, b: datetime) -> list[Json]:
        causes: list[Json] = []
        for window in view.locking:
            for occurrence in self.occurrences.near(window, a, b):
                if zones := occurrence.overlapping(a, b):
                    causes.append(_window_cause(window.name, occurrence.date, zones))
        causes.extend(_level_cause(s) for s in view.stretches if max(s[0], a) < min(s[1], b))
        causes.extend(_manual_cause(lock) for lock in view.manual if lock.overlaps(a, b))
        return causes

    def load(self, start: datetime, end: datetime, step: timedelta) -> list[Json]:
        """The load at ``start``, ``start + step``, … before ``end``."""
        rows: list[Json] = []
        t = start
        while t < end:
            now = self.load_now(t)
            standing = now.pop("weddings_today")
            level = self.loads.level(t)
            rows.append({"at": text(t), **now, "level": level, "weddings": standing})
            t += step
        return rows

    def plan(
        self,
        start: datetime,
        end: datetime,
        *,
        ahead: timedelta,
        hold: timedelta,
        continuous: bool = False,
    ) -> list[Json]:
        """The changes of the floor in ``[start, end)``, each by the maximum of all it covers."""
        edges = {start}
        for t in self.loads.breakpoints:
            edges.update(e for e in (t - ahead, t + hold) if start < e < end)
        entries: list[Json] = []
        for t in sorted(edges):
            floor = self.floor(t, ahead=ahead, hold=hold, continuous=continuous)
            if not entries or floor != {key: entries[-1][key] for key in floor}:
                entries.append({"at": text(t), **floor})
        return entries

    def floor(
        self, t: datetime, *, ahead: timedelta, hold: timedelta, continuous: bool = False
    ) -> Json:
        """The floor in force at the instant."""
        covered = [t - hold, *(x for x in self.loads.breakpoints if t - hold < x <= t + ahead)]
        needed = self.loads.needed_by(max(self.loads.at_instant(x) for x in covered))
        level = self.loads.level_of(needed)
        return {
            "min": self.loads.required(needed) if continuous else self.loads.rung(level),
            "max": self.policy.load["capacity"]["ceiling"],
            "level": level,
            "shortfall": self.loads.shortfall(needed),
        }


def asked(request: Request) -> Json:
    """The request as the decision gives it: what is empty or null is left out."""
    given = {key: value for key, value in request.items() if value not in (None, "")}
    names = ("action", "invoker", *FIELDS.values(), "actor")
    whole = {"action": "deploy", "invoker": "automation", **given}
    return {name: whole[name] for name in names if name in whole}


def _within_reach(t: datetime | None, at: datetime) -> datetime | None:
    return t if t is not None and abs(t - at) <= REACH else None


def _window_cause(name: str, day: object, zones: Mapping[str, Stretch]) -> Json:
    return {
        "code": "window",
        "window": name,
        "date": None if day is None else str(day),
        "zones": sorted(zone for zone in zones if zone),
        "start": text(min(start for start, _ in zones.values())),
        "end": text(max(end for _, end in zones.values())),
    }


def _level_cause(stretch: Stretch) -> Json:
    return {"code": "level", "start": text(stretch[0]), "end": text(stretch[1])}


def _manual_cause(lock: Manual) -> Json:
    return {
        "code": "manual-lock",
        "lock": lock.id,
        "start": text(lock.start),
        "end": text(lock.end),
    }


def _manual(lock: Mapping[str, Any]) -> Manual:
    actions: Sequence[str] = lock.get("actions", ())
    return Manual(
        id=lock["id"],
        start=document.instant(lock["start"]),
        end=document.instant(lock["end"]) if lock.get("end") else None,
        scope=lock.get("scope", {}),
        actions=tuple(actions),
    )
