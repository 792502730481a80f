"""One wedding: its fields as the contract types them, and what is wrong with a bad one."""

import re
from collections.abc import Callable, Collection, Iterator
from datetime import date as Date  # noqa: N812  (a field is called `date`)
from typing import Literal, NamedTuple, TypeVar

import msgspec

from gate.core.instants import parse_date
from gate.core.zones import country_codes, zone_keys

Status = Literal["confirmed", "tentative", "cancelled"]

HEAD = ("id", "date", "guests", "latitude", "longitude")
"""The fields that differ from row to row."""
PLACE = ("timezone", "country")
KIND = ("culture", "venue", "setting", "days", "status")
"""The fields whose combinations recur, as those of `PLACE` do."""
FIELDS = HEAD + PLACE + KIND
REQUIRED = ("id", "date", "timezone")
NUMBERS = ("guests", "days", "latitude", "longitude")
IGNORED_PREFIX = "x-"

MAX_DAYS = 31
# No bound of the contract: it keeps every sum of a calendar within what a double can hold.
MAX_GUESTS = 1_000_000_000_000

_STATUSES = ("confirmed", "tentative", "cancelled")
_DIGITS = re.compile(r"[0-9]{1,4000}")
_DEGREES = re.compile(
    r"[+-]?(?:[0-9]{1,20}(?:\.[0-9]{0,400})?|\.[0-9]{1,400})(?:[eE][+-]?[0-9]{1,4})?"
)
_UNFIT_CHARACTER = re.compile("[\0\ud800-\udfff]")

T = TypeVar("T")


class WeddingRow(msgspec.Struct, frozen=True, kw_only=True):
    """One wedding as its file gives it.

    ``days`` and ``guests`` are None where the culture's hold, since those belong to the policy.
    ``latitude`` and ``longitude`` are degrees; ``booked_at`` is the unread text of ``x-booked-at``.
    """

    id: str
    date: Date
    timezone: str
    days: int | None = None
    culture: str = "other"
    guests: int | None = None
    venue: str | None = None
    setting: str | None = None
    country: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    status: Status = "confirmed"
    booked_at: str | None = None


class Unfit(NamedTuple):
    """Stands for a cell of the wrong type or with characters that no text may hold.

    It is false, as an absent cell is, and equals no cell: the fast path takes it for no value.
    """

    message: str
    mend: str

    def __bool__(self) -> bool:
        return False


Cell = str | int | float | Unfit | None
Cells = tuple[Cell, ...]
RawRow = tuple[int, Cells, Cells, Cells]
"""Line, and the cells of `HEAD`, `PLACE` and `KIND`. An empty text or None is absent."""
RawRows = Iterator[RawRow]


class OneOf(NamedTuple):
    """A mend that looks for the word that was meant; made text only where it is printed."""

    name: str
    known: Collection[str]
    otherwise: str = ""

    def __str__(self) -> str:
        """A did-you-mean, else the choices where they are few."""
        # Only who mistyped a word pays for the import.
        from difflib import get_close_matches  # noqa: PLC0415

        folded = {choice.casefold(): choice for choice in sorted(self.known)}
        near = get_close_matches(self.name[:60].casefold(), folded, n=1, cutoff=0.6)
        if near:
            return f"did you mean {folded[near[0]]}?"
        few = f"one of {', '.join(folded.values())}" if len(folded) <= 12 else ""
        return self.otherwise or few


Mend = str | OneOf


class Defect(NamedTuple):
    """What is wrong with one field of one row."""

    field: str
    message: str
    mend: Mend


class _Bad(Exception):  # noqa: N818
    def __init__(self, message: str, mend: Mend) -> None:
        super().__init__(message)
        self.message = message
        self.mend = mend


def check_row(
    cells: Cells, cultures: Collection[str] | None, booked_at: str | None = None
) -> WeddingRow | list[Defect]:
    """The wedding of these cells of `FIELDS`, or everything that is wrong with them.

    ``cultures`` are those of the load model; None knows no model and takes any.
    """
    defects: list[Defect] = []
    values: dict[str, object] = {}
    for field, cell in zip(FIELDS, cells, strict=True):
        try:
            value = _value(field, cell, cultures)
        except _Bad as bad:
            defects.append(Defect(field, bad.message, bad.mend))
        else:
            if value is not None:
                values[field] = value
    if defects:
        return defects
    return WeddingRow(**values, booked_at=booked_at)  # type: ignore[arg-type]


def _value(field: str, cell: Cell, cultures: Collection[str] | None) -> object:
    if isinstance(cell, Unfit):
        raise _Bad(cell.message, cell.mend)
    if cell is None or cell == "":
        if field in REQUIRED:
            raise _Bad("is missing", f"every wedding has {', '.join(REQUIRED)}")
        return None
    if field == "culture" and cultures is not None and cell not in cultures:
        raise _Bad(f"{shown(cell)} is no culture of the policy", OneOf(str(cell), cultures))
    return _READERS[field](cell)


def _text(cell: Cell) -> str:
    return str(cell)


def _date(cell: Cell) -> Date:
    try:
        return parse_date(str(cell))
    except ValueError as error:
        # `parse_date` puts its mend behind a semicolon.
        message = str(error).partition("; ")[0]
        raise _Bad(message, "write the first local date as YYYY-MM-DD") from None


def _timezone(cell: Cell) -> str:
    if cell not in zone_keys():
        mend = OneOf(str(cell), zone_keys(), "write an IANA key such as Europe/London")
        raise _Bad(f"{shown(cell)} is no IANA time zone", mend)
    return str(cell)


def _country(cell: Cell) -> str:
    if cell not in country_codes():
        mend = "write two capital letters, such as GB"
        raise _Bad(
            f"{shown(cell)} is no ISO 3166-1 alpha-2 code", OneOf(str(cell), country_codes(), mend)
        )
    return str(cell)


def _status(cell: Cell) -> str:
    if cell not in _STATUSES:
        raise _Bad(f"{shown(cell)} is no status", OneOf(str(cell), _STATUSES))
    return str(cell)


def _whole(least: int, most: int) -> Callable[[Cell], int]:
    def read(cell: Cell) -> int:
        if isinstance(cell, str):
            if not _DIGITS.fullmatch(cell):
                raise _Bad(f"{shown(cell)} is no whole number", "write digits only")
            number = int(cell)
        else:
            assert isinstance(cell, int)
            number = cell
        if not least <= number <= most:
            raise _Bad(f"{shown(cell)} is not within {least} to {most}", "correct the number")
        return number

    return read


def _degrees(bound: int) -> Callable[[Cell], float]:
    def read(cell: Cell) -> float:
        if isinstance(cell, str) and not _DEGREES.fullmatch(cell):
            raise _Bad(f"{shown(cell)} is no number of degrees", "write a decimal such as -33.87")
        assert isinstance(cell, str | int | float)
        degrees = float(cell) if isinstance(cell, str) else cell
        if not -bound <= degrees <= bound:
            raise _Bad(f"{shown(cell)} is not within -{bound} to {bound}", "correct the degrees")
        return float(degrees)

    return read


_READERS: dict[str, Callable[[Cell], object]] = {
    "id": _text,
    "date": _date,
    "guests": _whole(1, MAX_GUESTS),
    "latitude": _degrees(90),
    "longitude": _degrees(180),
    "timezone": _timezone,
    "culture": _text,
    "venue": _text,
    "setting": _text,
    "country": _country,
    "days": _whole(1, MAX_DAYS),
    "status": _status,
}


def unknown_column(name: str) -> Defect:
    """The defect of a column that the contract does not know."""
    mend = OneOf(name, FIELDS, "a column of your own starts with x-")
    return Defect(name, f"{shown(name)} is no column of a calendar", mend)


def unfit_character(text: str) -> str:
    """Says which character a text may not hold; empty where it has none."""
    found = _UNFIT_CHARACTER.search(text)
    if found is None:
        return ""
    if found[0] == "\0":
        return "holds a NUL character"
    return "holds bytes that are not UTF-8, or half of a surrogate pair"


def shown(value: object) -> str:
    """A value for a message: quoted, printable (`repr` sees to that), and cut where it is long."""
    return repr(_cut(value if isinstance(value, str) else str(value)))


def plain_name(name: str) -> str:
    """A name that a file made up, fit to be printed: no control characters, not endless."""
    name = _cut(name)
    return name if name.isprintable() else repr(name)[1:-1]


def _cut(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "…"
