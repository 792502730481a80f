"""JSON objects taken apart by their quotes and brackets only, where a JSON reader gives up.

Without recursion, and in time that grows with the text: what is sent here may be meant to hurt. The
text is not judged as JSON; what cannot be taken apart is `Unreadable`.
"""

import json
import re

from msgspec import Raw

Members = dict[str, Raw]
"""A JSON object's members, not yet decoded. Of two with one name the last counts."""

MAX_DEPTH = 10_000
"""How deeply the API server's own JSON reader lets values nest."""

MAX_MEMBERS = 100_000
"""More members than these are not taken apart."""

MAX_BRACKETS = 500_000
"""A value with more brackets than these is not followed to its end; flat lists count as none."""

_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_PLAIN = rb'[^"\[\]{}]++|' + _STRING
_FLAT = rb"\[(?:" + _PLAIN + rb")*+\]|\{(?:" + _PLAIN + rb")*+\}"
# Either a stretch that leaves the depth as it is, or (as a group) what changes it. A quote is only
# met alone where its text has no end: looking for that end once more at each later quote would
# take time that grows with the square of the text.
_STRUCTURE = re.compile(rb"(?:" + _PLAIN + rb"|" + _FLAT + rb')++|([\[\]{}"])', re.DOTALL)
_A_STRING = re.compile(_STRING, re.DOTALL)
_SPACE = re.compile(rb"[ \t\n\r]*")
_SCALAR = re.compile(rb'[^\s,:"\[\]{}]+')


class Unreadable(ValueError):  # noqa: N818 - not of this module's making: it is what was sent
    """A JSON value that cannot be understood."""


def scanned_members(text: bytes) -> Members | None:
    """The members of a JSON object, None where the text does not begin as one.

    Raises `Unreadable` where it cannot be taken apart, or not within the limits.
    """
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
        if len(found) > MAX_MEMBERS:
            raise Unreadable(f"has more than {MAX_MEMBERS} members")
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
    depth, brackets = 1, 1
    for token in _STRUCTURE.finditer(text, start + 1):
        bracket = token[1]
        if bracket is None:
            continue
        if bracket == b'"':
            raise Unreadable(f"a text has no end (byte {token.start()})")
        brackets += 1
        depth += 1 if bracket in b"{[" else -1
        if not depth:
            return token.end()
        if depth > MAX_DEPTH or brackets > MAX_BRACKETS:
            raise Unreadable(f"nests deeper than {MAX_DEPTH} levels, or too often")
    raise Unreadable("ends within an object or array")


def _after_space(text: bytes, at: int) -> int:
    match = _SPACE.match(text, at)
    assert match is not None
    return match.end()
