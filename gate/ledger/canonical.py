"""RFC 8785 (JSON Canonicalization Scheme), quickly.

For what decisions are made of, msgspec's encoder with sorted keys writes the bytes that RFC 8785
asks for, many times faster than the plain Python of the package ``rfc8785``. Both escape text alike
(a test tries every code point). They differ in numbers outside a middle range, in doubles that are
whole, and in the order of keys beyond the Basic Multilingual Plane: whole doubles are made integers
first, and for the rest the package does the work.

RFC 8785 knows doubles only. An integer beyond ±(2^53 − 1) is written as the nearest double, which
is what every reader of the JSON that holds to the RFC makes of it, too.
"""

from typing import Any

import msgspec
import rfc8785

from gate.core.decision import Decision
from gate.core.problems import InputError

_SAFE = 2**53 - 1
# Between these, the shortest decimal of a double has no exponent in either manner of writing.
_SMALLEST_PLAIN, _LARGEST_PLAIN = 1e-4, 1e15
_encode = msgspec.json.Encoder(order="sorted").encode


class _Rare(Exception):  # noqa: N818 - no error: it says which way to take
    """The value holds something that the two encoders write differently."""


def canonical(value: Any) -> bytes:
    """The canonical bytes of a JSON value, or of a `msgspec.Struct` that encodes as one.

    Raises `InputError` where it has no canonical form: NaN, infinities, lone surrogates.
    """
    try:
        if type(value) is Decision and (settled := _settled_decision(value)) is not None:
            return _encode(settled)
        plain = msgspec.to_builtins(value)
        try:
            return _encode(_settled(plain))
        except _Rare:
            return rfc8785.dumps(_doubles(plain))
    except (rfc8785.CanonicalizationError, UnicodeEncodeError, OverflowError) as error:
        raise InputError.of(
            f"this cannot be recorded: {error}", mend="use numbers and text that JSON can hold"
        ) from None


def _settled_decision(decision: Decision) -> Decision | None:
    """A decision that `_encode` writes canonically as it stands; None where it has rare numbers.

    Its keys are ASCII, and only ``load`` holds numbers (where load is observed, too many to look at
    one by one): so the general way, which looks at every
    value, is not needed for what servers record by the thousand.
    """
    load = decision.load
    if load is None:
        return decision
    if load.observed is not msgspec.UNSET or load.learnt is not msgspec.UNSET:
        return None
    counts = (load.needed, load.required_replicas, load.shortfall, load.weddings_today)
    if max(counts) > _SAFE:
        return None
    demand = load.demand
    if demand.is_integer() and demand <= _SAFE:
        whole = msgspec.structs.replace(load, demand=int(demand))
        return msgspec.structs.replace(decision, load=whole)
    return decision if _SMALLEST_PLAIN <= demand < _LARGEST_PLAIN else None


def _settled(value: Any) -> Any:
    """`value` with its whole doubles made integers. Raises `_Rare`."""
    kind = type(value)
    if kind is str or value is None or kind is bool:
        return value
    if kind is dict:
        if not all(map(str.isascii, value)):
            raise _Rare
        return {
            key: inner if type(inner) is str else _settled(inner) for key, inner in value.items()
        }
    if kind is list or kind is tuple:
        return [_settled(inner) for inner in value]
    if kind is float:
        if value.is_integer() and -_SAFE <= value <= _SAFE:
            return int(value)
        if _SMALLEST_PLAIN <= abs(value) < _LARGEST_PLAIN:
            return value
    elif kind is int and -_SAFE <= value <= _SAFE:
        return value
    raise _Rare


def _doubles(value: Any) -> Any:
    """`value` with the integers that no double holds exactly made doubles."""
    if isinstance(value, dict):
        return {key: _doubles(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_doubles(inner) for inner in value]
    if isinstance(value, int) and not -_SAFE <= value <= _SAFE:
        return float(value)
    return value
