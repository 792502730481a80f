"""The kinds of values that documents have, as pydantic types over plain data.

A validator raises `refuse`, whose text `messages` passes on as it stands.
"""

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from gate.core.instants import (
    FIRST_YEAR,
    LAST_YEAR,
    MAX_DURATION,
    parse_date,
    parse_duration,
    parse_instant,
)
from gate.core.zones import country_codes, zone_keys

T = TypeVar("T")

HOUSE = "house"
"""The type of errors whose message and mend are written for the reader already."""
NOT_A = "not-a"
"""The type of errors for values of the wrong type; ``expected`` says which was wanted."""
ZONE = "zone"
"""The type of errors for unknown zones; ``names`` are what may stand beside IANA keys."""


class Section(BaseModel):
    """A mapping of a document: nothing but its own keys, and no value is converted."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


def refuse(message: str, mend: str | None = None) -> PydanticCustomError:
    """An error to raise from a validator; the text is not a template."""
    return PydanticCustomError(HOUSE, "{message}", {"message": message, "mend": mend})


def not_a(expected: str) -> PydanticCustomError:
    """The value has another type than ``expected`` (a noun with its article)."""
    return PydanticCustomError(NOT_A, "{expected}", {"expected": expected})


def _from_text(parse: Callable[[str], T]) -> Callable[[object], T]:
    def validate(value: object) -> T:
        if not isinstance(value, str):
            raise not_a("text")
        try:
            return parse(value)
        except ValueError as error:
            message, _, mend = str(error).partition("; ")
            raise refuse(message, mend or None) from None

    return validate


def _text_schema(pattern: str, **more: Any) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": f"^(?:{pattern})$", **more})


# --- text and numbers -------------------------------------------------------------------------

Text = Annotated[str, Field(min_length=1)]
Globs = Annotated[list[Text], Field(min_length=1)]


def _factor(value: object) -> Fraction:
    if isinstance(value, bool) or not isinstance(value, int | Fraction):
        raise not_a("a number")
    if value < 0:
        raise refuse("must be 0 or more")
    return Fraction(value)


def _positive(value: object) -> Fraction:
    number = _factor(value)
    if not number:
        raise refuse("must be more than 0")
    return number


def _version(value: object) -> int:
    # A pydantic Literal[1] would take `true` and 1.0 for 1.
    if isinstance(value, bool) or not isinstance(value, int) or value != 1:
        raise refuse("must be 1, the only version of the format", "write version: 1")
    return value


Factor = Annotated[
    Fraction,
    PlainValidator(_factor),
    WithJsonSchema({"type": "number", "minimum": 0, "maximum": 1_000_000_000}),
]
Positive = Annotated[
    Fraction,
    PlainValidator(_positive),
    WithJsonSchema({"type": "number", "exclusiveMinimum": 0, "maximum": 1_000_000_000}),
]
Version = Annotated[int, PlainValidator(_version), WithJsonSchema({"const": 1})]
Month = Annotated[int, Field(ge=1, le=12)]
DayCount = Annotated[int, Field(ge=1, le=366)]


def _hour(value: object) -> int:
    # Text is how JSON writes the keys of a mapping.
    if isinstance(value, str) and re.fullmatch(r"0|[1-9][0-9]?", value):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 23:
        raise refuse("is not an hour", "hours are whole numbers from 0 to 23")
    return value


Hour = Annotated[int, PlainValidator(_hour), _text_schema("[0-9]|1[0-9]|2[0-3]")]


# Kubernetes' rule for the keys of a ConfigMap (IsConfigMapKey), where they end up.
SETTING_NAME = r"[-._a-zA-Z0-9]{1,253}"


def _setting_name(value: object) -> object:
    if isinstance(value, str) and (
        not re.fullmatch(SETTING_NAME, value) or value == "." or value.startswith("..")
    ):
        raise refuse(
            f"{value[:40]!r} cannot name a setting",
            "use at most 253 letters, digits, `-`, `_` and `.`, with no `..` first",
        )
    return value


SettingName = Annotated[str, BeforeValidator(_setting_name)]


# --- time -------------------------------------------------------------------------------------

_LOCAL = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9])?")
_CLOCK = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00")
_YEAR = "(?:19[7-9][0-9]|2[01][0-9]{2})"
_DATE = _YEAR + "-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
# In UTC an instant lies in 1970 to 2199; its local date may be a day outside.
_ANY_DATE = "[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
_TIME = "(?:[01][0-9]|2[0-3]):[0-5][0-9]"


def _local(text: str) -> datetime:
    if not _LOCAL.fullmatch(text):
        raise ValueError(
            f"{text[:40]!r} is not a local date and time; write it as 2026-12-24T12:00"
        )
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is not in the calendar ({error})") from None
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ValueError(f"{text!r} lies outside {FIRST_YEAR} to {LAST_YEAR}")
    return moment


def _clock(text: str) -> int:
    if not _CLOCK.fullmatch(text):
        raise ValueError(f'{text[:40]!r} is not a time of day; write it as "22:30"')
    return int(text[:2]) * 60 + int(text[3:])


def _from_clock(text: str) -> int:
    minutes = _clock(text)
    if minutes == 1440:
        raise ValueError('24:00 is no start of a window; write "00:00" and mind the date')
    return minutes


def _to_clock(text: str) -> int:
    minutes = _clock(text)
    if minutes == 0:
        raise ValueError('00:00 is no end of a window; write "24:00" for the end of the day')
    return minutes


Duration = Annotated[
    timedelta,
    PlainValidator(_from_text(parse_duration)),
    _text_schema(
        "[0-9]{1,12}[smhd]|P[0-9]{1,12}W"
        "|P(?=[0-9T])(?:[0-9]{1,12}D)?"
        "(?:T(?=[0-9])(?:[0-9]{1,12}H)?(?:[0-9]{1,12}M)?(?:[0-9]{1,12}S)?)?",
        description=f"0s, 45m, 2h, 1d or ISO 8601 such as PT2H; at most {MAX_DURATION.days} days.",
    ),
]
Day = Annotated[date, PlainValidator(_from_text(parse_date)), _text_schema(_DATE, format="date")]
Instant = Annotated[
    datetime,
    PlainValidator(_from_text(parse_instant)),
    _text_schema(
        rf"{_ANY_DATE}[Tt]{_TIME}:[0-5][0-9](?:\.[0-9]{{1,6}})?(?:[Zz]|[+-]{_TIME})",
        description="RFC 3339 with seconds and an offset, in 1970 to 2199.",
    ),
]
Local = Annotated[
    datetime,
    PlainValidator(_from_text(_local)),
    _text_schema(f"{_DATE}T{_TIME}(?::[0-5][0-9])?", description="YYYY-MM-DDTHH:MM[:SS]"),
]
FromClock = Annotated[int, PlainValidator(_from_text(_from_clock)), _text_schema(_TIME)]
ToClock = Annotated[
    int,
    PlainValidator(_from_text(_to_clock)),
    _text_schema("24:00|00:(?:0[1-9]|[1-5][0-9])|(?:0[1-9]|1[0-9]|2[0-3]):[0-5][0-9]"),
]


# --- places -----------------------------------------------------------------------------------


def _zone(*names: str) -> Callable[[object], str]:
    def validate(value: object) -> str:
        if not isinstance(value, str):
            raise not_a("text")
        if value not in names and value not in zone_keys():
            raise PydanticCustomError(ZONE, "{names}", {"names": ", ".join(names)})
        return value

    return validate


def _country(value: str) -> str:
    if isinstance(value, str) and value not in country_codes():
        raise refuse(
            f"{value[:20]!r} is not a country", "write its ISO 3166-1 code, such as IN or GB"
        )
    return value


Zone = Annotated[
    str,
    PlainValidator(_zone()),
    WithJsonSchema({"type": "string", "minLength": 1, "description": "An IANA zone."}),
]
ZoneOfOccurrence = Annotated[
    str,
    PlainValidator(_zone("home", "venues")),
    WithJsonSchema({"type": "string", "minLength": 1, "description": "home, venues or IANA."}),
]
ZoneOfSpan = Annotated[
    str,
    PlainValidator(_zone("home")),
    WithJsonSchema({
        "type": "string", "minLength": 1, "not": {"const": "venues"},
        "description": "home or an IANA zone.",
    }),
]  # fmt: skip
Country = Annotated[str, BeforeValidator(_country)]
