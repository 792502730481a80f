"""One sweep: find the heads, and make each stand as decided, the oldest first.

How many requests that takes. A token of a workflow has 1 000 an hour for a repository; 500 heads
read and written would need more. Heads are always handled oldest first, so whatever an interrupted
sweep has left undone is newer than what it has done. Where the oldest heads have all been found to
need a write, the newer ones therefore do, too, and are written without being read: a new check run
of the same name needs no knowledge of those before it. The reading goes on wherever there are calls
enough, and as soon as one of the oldest stands right.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec

from gate.github.calls import Caller, Stopped, Unclear
from gate.github.checks.crew import work_through
from gate.github.checks.heads import Head, find_heads
from gate.github.checks.settling import Memory, Outcome, Settler
from gate.github.checks.wanted import Wanted

CALLS_BUDGET = 1_000
"""What ``GITHUB_TOKEN`` may ask for in an hour (GitHub's documentation, by repository)."""
SAMPLE_HEADS = 25
_CALLS_ASIDE = 20
"""Left for repeated requests."""
_CHUNK_HEADS = 50
THREADS = 16
THREADS_PUBLIC = 4
"""GitHub asks for few requests at a time; its pace, not its latency, is what limits there."""
_GRACE_SECONDS = 10.0
"""How long requests that have begun in time may take to end."""
_SILENT = "GitHub did not answer in time"

Advance = Callable[[int, int], None]
T = TypeVar("T")


class Swept(msgspec.Struct, frozen=True, kw_only=True):
    """What a sweep has come to. ``stopped`` says why it did not get through to all heads."""

    outcomes: tuple[Outcome, ...] = ()
    unreached: tuple[Head, ...] = ()
    stopped: str | None = None
    retry_seconds: float | None = None
    calls: int = 0

    @property
    def complete(self) -> bool:
        """Whether all heads stand as decided."""
        failed = any(outcome.failure for outcome in self.outcomes)
        return self.stopped is None and not self.unreached and not failed

    @property
    def changed(self) -> bool:
        """Whether anything was written."""
        return any(outcome.changed for outcome in self.outcomes)


def sweep(
    caller: Caller,
    what: Wanted,
    bases: Sequence[str] | None,
    memory: Memory,
    *,
    threads: int = THREADS,
    again: Callable[[Head], bool] = lambda _: False,
    conditional: bool = False,
    advance: Advance = lambda _done, _total: None,
) -> Swept:
    """Make all heads stand as wanted, as far as the caller's time and GitHub's limits go.

    ``again``: heads to read although they are known. ``conditional``: ask only whether the lists
    have changed. Failures are in the result; only bugs raise.
    """
    found: list[Head] = []
    unclear: list[str] = []

    def list_heads(_: None) -> None:
        try:
            found.extend(find_heads(caller, bases, conditional=conditional))
        except Unclear as error:
            unclear.append(str(error))

    listed = _work(caller, [None], list_heads, threads=1)
    stop = caller.stopped
    if not listed or unclear or stop is not None:
        why = str(stop) if stop else next(iter(unclear), _SILENT)
        retry = stop.retry_seconds if stop else None
        return Swept(stopped=why, retry_seconds=retry, calls=caller.calls)
    heads = tuple(found)
    run = _Run(caller, Settler(caller, what, memory), heads, memory, threads, again, advance)
    run.all()
    forget = memory.standing.keys() - {head.sha for head in heads}
    for sha in forget:
        memory.standing.pop(sha, None)
    return run.result()


class _Run:
    """The heads of one sweep and what has become of them."""

    def __init__(
        self,
        caller: Caller,
        settler: Settler,
        heads: Sequence[Head],
        memory: Memory,
        threads: int,
        again: Callable[[Head], bool],
        advance: Advance,
    ) -> None:
        self._caller = caller
        self._settler = settler
        self._heads = heads
        self._memory = memory
        self._threads = threads
        self._again = again
        self._advance = advance
        self._done: dict[str, Outcome] = {}

    def all(self) -> None:
        """Work through the heads, in portions as far as the number of calls is a question."""
        rest = list(self._heads)
        # The first alone finds out what may be written here.
        self._some(rest[:1])
        rest = rest[1:]
        size = SAMPLE_HEADS - 1 + sum(head.number is None for head in self._heads)
        while rest and self._caller.stopped is None:
            if not self._is_scarce(rest):
                self._some(rest)
                return
            if self._all_written(len(self._heads) - len(rest)):
                self._some(rest, blind=True)
                return
            self._some(rest[:size])
            rest, size = rest[size:], _CHUNK_HEADS

    def result(self) -> Swept:
        """What there is to say, in the order of the heads."""
        stop = self._caller.stopped
        unreached = tuple(head for head in self._heads if head.sha not in self._done)
        why = str(stop) if stop else None
        if unreached and why is None:
            why = _SILENT
        return Swept(
            outcomes=tuple(self._done[head.sha] for head in self._heads if head.sha in self._done),
            unreached=unreached,
            stopped=why if unreached else None,
            retry_seconds=stop.retry_seconds if stop else None,
            calls=self._caller.calls,
        )

    def _is_scarce(self, rest: Sequence[Head]) -> bool:
        """Whether reading and writing all the rest would take more calls than there are."""
        unknown = sum(head.sha not in self._memory.standing for head in rest)
        needed = self._caller.calls + len(rest) + unknown
        return needed > CALLS_BUDGET - _CALLS_ASIDE

    def _all_written(self, upto: int) -> bool:
        """Whether the heads just before this one, enough of them, have all needed a write."""
        last = [head for head in self._heads[:upto] if head.number is not None][-SAMPLE_HEADS:]
        outcomes = [self._done.get(head.sha) for head in last]
        return len(last) == SAMPLE_HEADS and all(
            outcome is not None and outcome.changed for outcome in outcomes
        )

    def _some(self, heads: Sequence[Head], *, blind: bool = False) -> None:
        def settle(head: Head) -> None:
            outcome = self._settler.settle(head, blind=blind, again=self._again(head))
            self._done[head.sha] = outcome
            self._advance(len(self._done), len(self._heads))

        _work(self._caller, heads, settle, threads=self._threads)


def _work(caller: Caller, items: Sequence[T], work: Callable[[T], None], *, threads: int) -> bool:
    return work_through(
        items,
        work,
        threads=threads,
        patience=lambda: caller.seconds_left() + _GRACE_SECONDS,
        ends=(Stopped,),
    )
