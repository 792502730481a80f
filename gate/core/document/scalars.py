"""What a scalar is worth: the core schema of YAML 1.2, and JSON's literals.

Numbers are the exact decimals that they are written as: an `int` where the text is an integer, a
`Fraction` where it has a point or an exponent. Everything else that is plain is text.
"""

import re
from fractions import Fraction

import msgspec

from gate.core.document.text import CONTROL

MAX_MAGNITUDE = 10**9
MAX_NUMBER_CHARACTERS = 40
# An exact 1e-99999999 has a denominator of forty megabytes; docs/decisions/0002 has the bound.
SMALLEST = Fraction(1, 10**400)
_MAX_EXPONENT_DIGITS = 3

_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?0*([0-9]+))?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_SURROGATE = re.compile("[\ud800-\udfff]")
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS = {
    "true": True, "True": True, "TRUE": True,
    "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_NUMBER_START = frozenset("+-.0123456789")


class Fault(msgspec.Struct, frozen=True):
    """What is wrong with one value or key, and how to mend it."""

    message: str
    mend: str | None = None


Value = str | bool | int | Fraction | Fault
NULL = Fault("is null (or empty)", "give it a value, or leave the key out for its default")
_NOT_A_NUMBER = Fault("is not a finite number", "write a decimal number such as 1.5")


def resolve_plain(text: str) -> Value:
    """The value of a plain YAML scalar under the core schema."""
    if text in _NULLS:
        return NULL
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if text[0] not in _NUMBER_START:
        return check_text(text)
    if _NOT_FINITE.fullmatch(text):
        return _NOT_A_NUMBER
    return number(text) if is_number(text) else check_text(text)


def is_number(text: str) -> bool:
    """Whether the core schema reads this plain scalar as a number."""
    return bool(_INTEGER.fullmatch(text) or _FLOAT.fullmatch(text))


def number(text: str) -> int | Fraction | Fault:
    """The exact value of a number's text, within the bounds of the contract."""
    if len(text) > MAX_NUMBER_CHARACTERS:
        return Fault(f"is a number of {len(text)} characters; {MAX_NUMBER_CHARACTERS} is the most")
    if _INTEGER.fullmatch(text):
        whole = int(text, 0) if text[:2] in {"0o", "0x"} else int(text)
        return _too_large(text) if abs(whole) > MAX_MAGNITUDE else whole
    decimal = _FLOAT.fullmatch(text)
    assert decimal is not None
    if len(decimal[1] or "") > _MAX_EXPONENT_DIGITS:
        return Fault(f"{text} has an exponent of more than {_MAX_EXPONENT_DIGITS} digits")
    value = Fraction(text)
    if abs(value) > MAX_MAGNITUDE:
        return _too_large(text)
    if value and abs(value) < SMALLEST:
        return Fault(f"{text} is a number below 1e-400 in magnitude", "write 0")
    return value


def _too_large(text: str) -> Fault:
    return Fault(f"{text} is a number above {MAX_MAGNITUDE} in magnitude")


def check_text(text: str) -> str | Fault:
    """The text itself, unless escapes brought in characters that no text may have."""
    if found := CONTROL.search(text):
        return Fault(f"holds the control character U+{ord(found[0]):04X}", "remove it")
    if found := _SURROGATE.search(text):
        return Fault(
            f"holds the lone surrogate U+{ord(found[0]):04X}", "write the character itself"
        )
    return text
