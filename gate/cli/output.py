"""Printing: JSON as bytes, errors on the standard error stream."""

import sys
from collections.abc import Iterable
from typing import Any

import msgspec

_PIECE_BYTES = 1 << 16


def print_json(value: Any) -> None:
    """One JSON value, indented for people who look at it, and a newline."""
    data = msgspec.json.format(msgspec.json.encode(value), indent=2)
    write(data + b"\n")


def print_json_array(values: Iterable[Any]) -> None:
    """A JSON array, an element a line, written in pieces as the elements come."""
    encode = msgspec.json.Encoder().encode
    piece = bytearray(b"[")
    lead = b"\n"
    for value in values:
        piece += lead + encode(value)
        lead = b",\n"
        if len(piece) > _PIECE_BYTES:
            write(bytes(piece))
            piece.clear()
    write(bytes(piece) + (b"]\n" if lead == b"\n" else b"\n]\n"))


def write(data: bytes) -> None:
    """Bytes to standard output, in order with what `print` has written."""
    sys.stdout.flush()
    sys.stdout.buffer.write(data)


def complain(text: str) -> None:
    """A line for the person at the terminal."""
    print(f"gate: {text}", file=sys.stderr)


def count(number: int, what: str) -> str:
    """``1 wedding``, ``2 weddings``."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
