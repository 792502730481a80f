"""Decisions that differ in nothing but instant, id and uid, cut from one stencil.

While a pipeline retries, or a hundred services are rolled out, the same is decided again and again:
until a phase, a cause or the load changes, only these three differ. So the record's bytes and the
answer's are kept with gaps for them. What a decision says beyond that (an override, time left
before a lock) is decided anew each time.
"""

from datetime import datetime
from secrets import token_hex

import msgspec

from gate.cluster.answers import Answers
from gate.cluster.notices import AHEAD
from gate.core.decision import Decision, Effect, Phase, Request, Verdict
from gate.core.instants import duration_micros, micros
from gate.core.timeline import HORIZON, Timeline
from gate.inputs import Compiled
from gate.ledger.canonical import canonical

_MOST = 1024
_AHEAD = duration_micros(AHEAD)
# No text that anybody wrote holds these.
_ID, _UID = f"id-{token_hex(16)}", f"uid-{token_hex(16)}"
_GAPS = (_ID.encode(), _UID.encode())
_encode = msgspec.json.Encoder().encode

_Key = tuple[str | None, ...]


class Stencil:
    """What decisions on a kind of request have in common in ``[since, until)`` (microseconds)."""

    __slots__ = ("_answer", "_payload", "decision", "since", "until")

    def __init__(self, decision: Decision, answers: Answers, since: int, until: int) -> None:
        self.decision = msgspec.structs.replace(decision, recorded=True)
        self.since = since
        self.until = until
        marked = msgspec.structs.replace(
            self.decision,
            id=_ID,
            request=msgspec.structs.replace(decision.request, uid=_UID),
        )
        at = b'{"at":' + _encode(decision.at)
        payload = canonical(marked)
        assert payload.startswith(at)
        self._payload = _pieces(payload.removeprefix(at))
        self._answer = _pieces(answers.of(_UID, marked))

    def payload(self, at: datetime, identifier: str, uid: str) -> bytes:
        """The canonical bytes of the decision at ``at``."""
        return b'{"at":' + _encode(at) + _filled(self._payload, identifier, uid)

    def answer(self, identifier: str, uid: str) -> bytes:
        """The AdmissionReview that answers with it."""
        return _filled(self._answer, identifier, uid)


class Stencils:
    """The stencils of one policy, calendar and set of locks; none where overrides may apply."""

    def __init__(self, inputs: Compiled, answers: Answers) -> None:
        self._timeline = inputs.timeline
        self._answers = answers
        self._usable = not inputs.facts.overrides
        self._kept: dict[_Key, Stencil | None] = {}

    def find(self, request: Request, at: int) -> Stencil | None:
        """One that holds for the request at an instant (microseconds)."""
        stencil = self._kept.get(_key(request))
        return stencil if stencil is not None and stencil.since <= at < stencil.until else None

    def learn(self, request: Request, decision: Decision) -> None:
        """Keep a stencil of a decision, if one was asked for this kind of request before."""
        if not self._usable:
            return
        key = _key(request)
        if key not in self._kept:
            # Most requests come once: a stencil costs more than a decision.
            if len(self._kept) >= _MOST:
                self._kept.clear()
            self._kept[key] = None
            return
        since = micros(decision.at)
        until = _steady_until(self._timeline, request, decision, since)
        if until > since:
            self._kept[key] = Stencil(decision, self._answers, since, until)


def _key(request: Request) -> _Key:
    return (
        request.action, request.invoker, request.environment, request.namespace, request.service,
        request.actor,
    )  # fmt: skip


def _steady_until(timeline: Timeline, request: Request, decision: Decision, since: int) -> int:
    """Until when the decision stays the same but for its instant; ``since`` where it does not."""
    change = decision.next_change
    if change is None or decision.phase is Phase.LEAD:
        return since
    until = timeline.steady_until(request, since)
    if decision.verdict is Verdict.ALLOW:
        # People are told of a lock some time before it: that answer counts the time left.
        until = min(until, micros(change) - _AHEAD)
    elif decision.effect is not Effect.BLOCK:
        return since
    if decision.phase is Phase.LOCKED:
        if decision.locked_from is None or decision.locked_until is None:
            return since
        until = min(until, micros(decision.locked_from) + HORIZON)
    return until


def _pieces(text: bytes) -> tuple[tuple[bytes, int], ...]:
    """The text in pieces, each with the number of the gap after it (-1: none)."""
    pieces: list[tuple[bytes, int]] = []
    while True:
        places = [(at, gap) for gap, mark in enumerate(_GAPS) if (at := text.find(mark)) >= 0]
        if not places:
            return (*pieces, (text, -1))
        at, gap = min(places)
        pieces.append((text[:at], gap))
        text = text[at + len(_GAPS[gap]) :]


def _filled(pieces: tuple[tuple[bytes, int], ...], identifier: str, uid: str) -> bytes:
    fillings = (identifier.encode(), _encode(uid)[1:-1], b"")
    return b"".join([part for text, gap in pieces for part in (text, fillings[gap])])
