"""JSON that is only taken apart as far as a question needs it, and never further than it can be.

An object's members stay the bytes that they were (`Members`), so that what did not change is
compared and not decoded. Texts that a JSON reader gives up on (nested too deeply, half a surrogate
pair, numbers out of range) are still taken apart; only what they mean is `Unreadable`.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Raw

from gate.cluster.scanning import Members, Unreadable, scanned_members

_EXACT = 1 << 53  # beyond it a float no longer tells neighbouring integers apart
# What the standard library reads and msgspec does not.
_LENIENT = re.compile(rb"\\u[dD][89a-fA-F]|NaN|Infinity")


def value_of(raw: Raw | bytes) -> Any:
    """The value; a number with a fraction of zero is an `int`. Raises `Unreadable`."""
    try:
        return _decode(raw)
    except (ValueError, RecursionError) as error:
        raise Unreadable(str(error)) from None


def same(one: Any, other: Any) -> bool:
    """Whether two decoded values are the same JSON: the order of keys is nothing, 1 is not true."""
    # Python holds 1 and True to be equal; their encodings differ.
    return bool(one == other) and canonical(one) == canonical(other)


def canonical(value: Any) -> bytes:
    """A decoded value as JSON with sorted keys: equal bytes exactly where the values are `same`."""
    return _encode(value)


def differing(new: Members, old: Members) -> Iterator[str]:
    """Names of the members whose bytes differ, or that only one of both has."""
    for name, raw in new.items():
        if raw != old.get(name):
            yield name
    for name in old:
        if name not in new:
            yield name


def differs(new: Raw | None, old: Raw | None) -> bool:
    """Whether two members mean different things. Raises `Unreadable` where that cannot be said."""
    if new is None or old is None:
        return new is not old
    return new != old and not same(value_of(new), value_of(old))


def members_of(raw: Raw | bytes) -> Members | None:
    """The members of a JSON object, None where the value is no object.

    The text must be JSON, as one that was a member is. Raises `Unreadable` for some that is not,
    and beyond the limits of `gate.cluster.scanning`.
    """
    try:
        return _members(raw)
    except msgspec.ValidationError:
        return None
    except (ValueError, RecursionError):
        return scanned_members(bytes(raw))


def fault_of(text: bytes) -> str | None:
    """Why a text is no JSON, None where it is, or where it nests too deeply to be judged whole.

    As the standard library does, this takes NaN, Infinity and single surrogates for JSON.
    """
    try:
        _raw(text)
    except RecursionError:
        return None
    except ValueError as error:
        return _lenient_fault_of(text) if _LENIENT.search(text) else str(error)
    return None


def _number(text: str) -> int | float:
    number = float(text)
    if number - number != 0:
        raise ValueError("number out of range")
    return int(number) if number.is_integer() and abs(number) < _EXACT else number


_decode = msgspec.json.Decoder(float_hook=_number).decode
_encode = msgspec.json.Encoder(order="sorted").encode
_members = msgspec.json.Decoder(Members).decode
_raw = msgspec.json.Decoder(Raw).decode


def _lenient_fault_of(text: bytes) -> str | None:
    try:
        json.loads(text.decode(), parse_int=len, parse_float=len, parse_constant=len)
    except RecursionError:
        return None
    except ValueError as error:
        return str(error)
    return None
