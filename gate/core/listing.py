"""The locked time of a request over a range, with its causes."""

from datetime import datetime

import msgspec

from gate.core.decision import Reason, Request
from gate.core.instants import from_micros
from gate.core.timeline import Timeline
from gate.core.windows import Span
from gate.core.wording import bare_reason


class LockedStretch(msgspec.Struct, frozen=True, kw_only=True):
    """A locked stretch, cut to the range asked for, and its causes, which are not cut."""

    start: datetime
    end: datetime
    causes: tuple[Reason, ...]


def locked_stretches(
    timeline: Timeline, request: Request, start: int, end: int
) -> list[LockedStretch]:
    """The locked time within ``[start, end)`` (microseconds), merged and sorted.

    A cause stands wherever it overlaps the stretch as cut; its ``zones`` are those whose own
    interval does.
    """
    view = timeline.view(request, Span(start, end))
    return [
        LockedStretch(
            start=from_micros(a),
            end=from_micros(b),
            causes=tuple(bare_reason(cause) for cause in view.causes(a, b)),
        )
        for a, b in view.locked
    ]
