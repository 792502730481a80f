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

Members = dict[str, Raw]
"""A JSON object's members, not yet decoded. Of two with one name the last counts."""

MAX_DEPTH = 10_000
"""How deeply the API server's own JSON reader lets values nest."""

_EXACT = 1 << 53  # beyond it a float no longer tells neighbouring integers apart
_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_A_STRING = re.compile(_STRING, re.DOTALL)
_STRUCTURE = re.compile(_STRING + rb"|[\[\]{}]", re.DOTALL)
_SPACE = re.compile(rb"[ \t\n\r]*")
_SCALAR = re.compile(rb'[^\s,:"\[\]{}]+')


class Unreadable(ValueError):  # noqa: N818 - not of this module's making: it is what was sent
    """A JSON value that cannot be understood, though its place in the text is known."""


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
    and for one that nests deeper than `MAX_DEPTH`.
    """
    try:
        return _members(raw)
    except msgspec.ValidationError:
        return None
    except (ValueError, RecursionError):
        return _scanned_members(bytes(raw))


def fault_of(text: bytes) -> str | None:
    """Why a text is no JSON, None where it is, or where it nests too deeply to be judged whole.

    As the standard library does, this takes NaN, Infinity and single surrogates for JSON.
    """
    try:
        _raw(text)
    except RecursionError:
        return None
    except ValueError:
        return _slow_fault_of(text)
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


def _slow_fault_of(text: bytes) -> str | None:
    try:
        json.loads(text.decode(), parse_int=len, parse_float=len, parse_constant=len)
    except RecursionError:
        return None
    except ValueError as error:
        return str(error)
    return None


def _scanned_members(text: bytes) -> Members | None:
    """The same by looking at brackets and quotes only, without recursion."""
    at = _after_space(text, 0)
    if text[at : at + 1] != b"{":
        return None
    found: Members = {}
    at = _after_space(text, at + 1)
    while text[at : at + 1] != b"}":
        name, colon = _name_at(text, at)
        if text[colon : colon + 1] != b":":
            raise Unreadable(f"expected a colon (byte {colon})")
        start = _after_space(text, colon + 1)
        end = _end_of_value(text, start)
        found[name] = Raw(text[start:end])
        at = _after_space(text, end)
        if text[at : at + 1] == b",":
            at = _after_space(text, at + 1)
        elif text[at : at + 1] != b"}":
            raise Unreadable(f"expected a comma or the object's end (byte {at})")
    return found


def _name_at(text: bytes, at: int) -> tuple[str, int]:
    """A member's name, and where its colon should be."""
    match = _A_STRING.match(text, at)
    try:
        name = json.loads(match[0]) if match else None
    except ValueError:
        name = None
    if match is None or name is None:
        raise Unreadable(f"expected the name of a member (byte {at})")
    return name, _after_space(text, match.end())


def _end_of_value(text: bytes, start: int) -> int:
    if text[start : start + 1] in {b"{", b"["}:
        return _end_of_container(text, start)
    match = _A_STRING.match(text, start) or _SCALAR.match(text, start)
    if match is None:
        raise Unreadable(f"expected a value (byte {start})")
    return match.end()


def _end_of_container(text: bytes, start: int) -> int:
    depth = 0
    for token in _STRUCTURE.finditer(text, start):
        first = text[token.start()]
        if first in b"{[":
            depth += 1
            if depth > MAX_DEPTH:
                raise Unreadable(f"nests deeper than {MAX_DEPTH} levels")
        elif first in b"}]":
            depth -= 1
            if not depth:
                return token.end()
    raise Unreadable("ends within an object or array")


def _after_space(text: bytes, at: int) -> int:
    match = _SPACE.match(text, at)
    assert match is not None
    return match.end()
