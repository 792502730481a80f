"""One run over a cluster: list, judge, patch, tell. The command and the worker both call it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Protocol

import msgspec
from msgspec.structs import replace

from gate.cluster.scaling.stepping import step
from gate.cluster.scaling.values import Hold, Step, Target
from gate.cluster.scaling.wanting import in_force
from gate.service.clock import utc_now
from gate.service.keeper.kube import ClusterUnavailable
from gate.service.scaling.cluster import WIDTH, ConflictError, Scalers
from gate.service.scaling.judging import Judged

_ATTEMPTS = 5
"""How often a target is judged anew where others write it at the same time."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a target: the step, when it was written (None: nothing was), and what stands.

    ``after`` is the target as the API server answered the patch.
    """

    step: Step
    applied_at: datetime | None = None
    after: Target | None = None


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """What a run did; ``troubles`` are those of no single target."""

    outcomes: tuple[Outcome, ...]
    troubles: tuple[str, ...] = ()
    api_calls: int = 0

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps, by namespace, name and kind."""
        return tuple(outcome.step for outcome in self.outcomes)

    @property
    def as_planned(self) -> bool:
        """Whether every target stands as planned, or as somebody else left it."""
        return not self.troubles and all(step.error is None for step in self.steps)


class Recorder(Protocol):
    """Hears what stood, what is about to be written, and what was.

    It must not raise: a database that is away stops no scaling. All calls come from one thread.
    """

    def found(self, target: Target, at: datetime) -> None:
        """A target as it was listed: what an earlier run did to it, it may not have told."""

    def planned(self, steps: Iterable[Step], at: datetime) -> None:
        """These are about to be written."""

    def applied(self, step: Step, at: datetime) -> None:
        """This one was written, at an instant."""


class Unrecorded:
    """A recorder without a database."""

    def found(self, target: Target, at: datetime) -> None:
        """Nothing."""

    def planned(self, steps: Iterable[Step], at: datetime) -> None:
        """Nothing."""

    def applied(self, step: Step, at: datetime) -> None:
        """Nothing."""


HoldsOf = Callable[[Target], tuple[Hold, ...] | None]
"""Which holds should stand on a target; None: those that do."""


def holds_on_target(target: Target) -> tuple[Hold, ...] | None:
    """The target's own, where there is no database that knows better; those that are over go."""
    return in_force(target.holds, utc_now()) if target.holds else None


def run_once(
    scalers: Scalers,
    judged: Judged,
    *,
    namespace: str | None = None,
    recorder: Recorder = Unrecorded(),  # noqa: B008 - has no state
    holds_of: HoldsOf = holds_on_target,
    dry_run: bool = False,
    now: Callable[[], datetime] = utc_now,
    advance: Callable[[int, int], None] = lambda done, total: None,
) -> Run:
    """Bring every target to what was judged; a second run changes nothing.

    Raises `ClusterUnavailable` where the targets cannot be listed; what goes wrong with one of them
    is its step's ``error``. ``advance`` hears how many of the patches are done.
    """
    scalers.begin()
    listing = scalers.targets(namespace)

    def judge(target: Target) -> Step:
        return step(target, judged.wish(target, holds_of(target)), now())

    steps = [judge(target) for target in listing.targets]
    if dry_run:
        outcomes = [Outcome(step=each) for each in steps]
    else:
        outcomes = _written(scalers, steps, judge, recorder, now, advance)
    return Run(outcomes=tuple(outcomes), troubles=listing.troubles, api_calls=scalers.call.calls)


def _written(
    scalers: Scalers,
    steps: Sequence[Step],
    judge: Callable[[Target], Step],
    recorder: Recorder,
    now: Callable[[], datetime],
    advance: Callable[[int, int], None],
) -> list[Outcome]:
    begun = now()
    for each in steps:
        recorder.found(each.target, begun)
    todo = [each for each in steps if each.patch is not None]
    if todo:
        recorder.planned(todo, begun)
    with ThreadPoolExecutor(WIDTH, thread_name_prefix="prescale") as pool:
        done = pool.map(lambda each: _write(scalers, each, judge, now), todo)
        try:
            outcomes = list(_counted(done, len(todo), advance))
        except BaseException:
            # Whoever interrupts the run must not wait for a server that is busy.
            scalers.call.stop()
            raise
    for outcome in outcomes:
        if outcome.applied_at is not None:
            recorder.applied(outcome.step, outcome.applied_at)
    by_key = {outcome.step.target.key: outcome for outcome in outcomes}
    return [by_key.get(each.target.key, Outcome(step=each)) for each in steps]


def _counted(
    done: Iterator[Outcome], total: int, advance: Callable[[int, int], None]
) -> Iterator[Outcome]:
    for number, outcome in enumerate(done, start=1):
        advance(number, total)
        yield outcome


def _write(
    scalers: Scalers,
    planned: Step,
    judge: Callable[[Target], Step],
    now: Callable[[], datetime],
) -> Outcome:
    """Write one step; where somebody wrote the target meanwhile, judge it anew."""
    current = planned
    for _ in range(_ATTEMPTS):
        if current.patch is None:
            return Outcome(step=current)
        try:
            after = scalers.patch(current.target, current.patch)
            return Outcome(step=current, applied_at=now(), after=after) if after else _gone(current)
        except ConflictError:
            fresh = _read(scalers, current)
        except ClusterUnavailable as error:
            return Outcome(step=failed(current, str(error)))
        if isinstance(fresh, Outcome):
            return fresh
        if _is_ours(fresh, current):
            return Outcome(step=current, applied_at=now(), after=fresh)
        current = judge(replace(fresh, notes=current.target.notes))
    return Outcome(step=failed(current, "others keep writing it; the next run tries again"))


def _read(scalers: Scalers, current: Step) -> Target | Outcome:
    try:
        return scalers.read(current.target) or _gone(current)
    except ClusterUnavailable as error:
        return Outcome(step=failed(current, str(error)))


def failed(planned: Step, why: str) -> Step:
    """A step that was not written: the target stands where it stood."""
    return replace(planned, after=planned.before, patch=None, error=why)


def _gone(planned: Step) -> Outcome:
    return Outcome(
        step=replace(planned, after=planned.before, patch=None, note="was deleted meanwhile")
    )


def _is_ours(fresh: Target, current: Step) -> bool:
    """Whether the conflict is with this very patch, whose answer was lost on its way."""
    if fresh.uid != current.target.uid or fresh.now != current.after:
        return False
    return current.released if fresh.raised is None else fresh.raised.at == current.at
