"""The holds of a target as its annotation has them."""

from collections.abc import Iterable

import msgspec

from gate.cluster.scaling.values import MOST_REPLICAS, Hold


def read_holds(text: str) -> tuple[Hold, ...]:
    """The annotation `saturday-gate.io/held`; ValueError where it is none."""
    try:
        holds = msgspec.json.decode(text, type=tuple[Hold, ...])
    except msgspec.MsgspecError as error:
        raise ValueError(str(error)) from None
    for hold in holds:
        if hold.until.tzinfo is None:
            raise ValueError(f"the end of {hold.id} has no offset")
        most = hold.min if hold.max is None else hold.max
        if not 1 <= hold.min <= most <= MOST_REPLICAS:
            raise ValueError(f"{hold.id} asks for {hold.min} to {most} replicas")
    return holds


def write_holds(holds: Iterable[Hold]) -> str | None:
    """The annotation's text, None where there is none to write."""
    ordered = sorted(holds, key=lambda hold: (hold.until, hold.id))
    return msgspec.json.encode(ordered).decode() if ordered else None
