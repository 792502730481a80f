"""Rows into one compiled calendar: every row is checked, recurring combinations only once."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from gate.calendars.collector import Collector
from gate.calendars.ids import IdRegister
from gate.calendars.row import (
    HEAD,
    KIND,
    PLACE,
    Cell,
    Cells,
    Defect,
    OneOf,
    RawRows,
    WeddingRow,
    check_row,
    shown,
)
from gate.core.demand import Calendar, DemandBuilder
from gate.core.policy import LoadModel
from gate.core.zones import zone_keys

# So many entries a memory of values holds at most: what never recurs must not fill it.
_MOST_REMEMBERED = 100_000
_ABSENT = ("", None)
_PLAIN_DECIMAL = "0123456789.-"
_VENUE, _SETTING = KIND.index("venue"), KIND.index("setting")
_DATE, _GUESTS = HEAD.index("date"), HEAD.index("guests")
_HEAD_END, _PLACE_END = len(HEAD), len(HEAD) + len(PLACE)

_Adders = tuple[Callable[[int, int, int], None], ...]
"""`Stream.add` for weddings of a place: no latitude known, south of the equator, north of it."""
_LATITUDES = (None, -1.0, 1.0)


class _Kind(NamedTuple):
    """What a combination of the fields `KIND` comes to; ``unit`` is the weight of one guest."""

    unit: int
    days: int
    usual_guests: int
    cancelled: bool


class _Kinds(dict[Cells, _Kind]):
    """Remembers kinds; venues and settings that the model does not know all count the same."""

    def __init__(self, load: LoadModel) -> None:
        super().__init__()
        self._load = load

    def __missing__(self, cells: Cells) -> _Kind:
        found = self.get(self._plain(cells))
        if found is None:
            raise KeyError(cells)
        self.remember(cells, found)
        return found

    def remember(self, cells: Cells, kind: _Kind) -> None:
        """Keep a kind under its cells, and under those without unknown venue and setting."""
        for each in (self._plain(cells), cells):
            if len(self) < _MOST_REMEMBERED:
                self[each] = kind

    def _plain(self, cells: Cells) -> Cells:
        plain = list(cells)
        # Only a text can be an unknown one: what is `Unfit` must not become absent.
        for position, known in ((_VENUE, self._load.venues), (_SETTING, self._load.settings)):
            cell = plain[position]
            if isinstance(cell, str) and cell not in known:
                plain[position] = None
        return tuple(plain)


class Compiler:
    """Adds the rows of one file after another; ids are unique over all of them."""

    def __init__(self, load: LoadModel) -> None:
        self._load = load
        self._builder = DemandBuilder(load)
        self._ids = IdRegister()
        self._places: dict[Cells, _Adders] = {}
        self._kinds = _Kinds(load)
        self._dates: dict[Cell, int] = {}
        self._guests: dict[Cell, int | None] = {"": None, None: None}

    @property
    def rows(self) -> int:
        """Rows with an id of their own so far, cancelled ones included."""
        return len(self._ids.positions)

    def build(self) -> Calendar:
        """Everything added so far, compiled."""
        return self._builder.build()

    def add(self, rows: RawRows, collector: Collector) -> None:
        """Check and add the rows of a file; what is wrong goes to its collector."""
        self._ids.open(collector.file)
        ids, base = self._ids.positions, self._ids.base
        places, kinds, dates, counts = self._places, self._kinds, self._dates, self._guests
        for line, head, place, kind in rows:
            id_, day, guests, latitude, longitude = head
            try:
                adders = places[place]
                unit, days, usual, cancelled = kinds[kind]
                first = dates[day]
                count = counts[guests]
            except KeyError:
                self._add_closely(line, head + place + kind, collector)
                continue
            side: int | None = 0
            if latitude not in _ABSENT or longitude not in _ABSENT:
                side = _side(latitude, longitude)
            if side is None or not id_ or id_ in ids:
                self._add_closely(line, head + place + kind, collector)
                continue
            ids[id_] = base + line  # type: ignore[index]
            if not cancelled:
                adders[side](first, days, (usual if count is None else count) * unit)

    def add_weddings(self, rows: Iterable[WeddingRow], collector: Collector) -> None:
        """Add weddings that were checked when they were stored; those not known now are told."""
        for row in rows:
            if defects := self._outdated(row):
                for field, message, mend in defects:
                    collector.add(f"wedding {shown(row.id)}: {message}", field=field, mend=mend)
            else:
                kind = (row.culture, row.venue, row.setting, row.days, row.status)
                self._count(row, (row.timezone, row.country), kind)

    def _outdated(self, row: WeddingRow) -> list[Defect]:
        defects = []
        if row.culture not in self._load.cultures:
            mend = OneOf(row.culture, self._load.cultures)
            message = f"{shown(row.culture)} is no culture of the policy"
            defects.append(Defect("culture", message, mend))
        if row.timezone not in zone_keys():
            mend = OneOf(row.timezone, zone_keys())
            defects.append(Defect("timezone", f"{shown(row.timezone)} is no IANA time zone", mend))
        return defects

    def _add_closely(self, line: int, cells: Cells, collector: Collector) -> None:
        """Add a row that is new in some way, or say all that is wrong with it."""
        checked = check_row(cells, self._load.cultures)
        row = self._ids.admit(checked, cells[0], line, collector)
        if row is None:
            return
        if len(self._dates) < _MOST_REMEMBERED:
            self._dates[cells[_DATE]] = row.date.toordinal()
        if len(self._guests) < _MOST_REMEMBERED:
            self._guests[cells[_GUESTS]] = row.guests
        self._count(row, cells[_HEAD_END:_PLACE_END], cells[_PLACE_END:])

    def _count(self, row: WeddingRow, place: Cells, kind_cells: Cells) -> None:
        """Add a wedding, and remember its place and kind under these cells."""
        adders = self._places.get(place)
        if adders is None:
            adders = self._places[place] = tuple(
                self._builder.stream(row.timezone, row.country, latitude).add
                for latitude in _LATITUDES
            )
        kind = self._kinds.get(kind_cells)
        if kind is None:
            kind = self._new_kind(row)
            self._kinds.remember(kind_cells, kind)
        if not kind.cancelled:
            guests = kind.usual_guests if row.guests is None else row.guests
            side = 0 if row.latitude is None else 1 if row.latitude < 0 else 2
            adders[side](row.date.toordinal(), kind.days, guests * kind.unit)

    def _new_kind(self, row: WeddingRow) -> _Kind:
        culture = self._load.cultures[row.culture]
        return _Kind(
            unit=self._builder.unit(row.culture, row.venue, row.setting),
            days=culture.days if row.days is None else row.days,
            usual_guests=culture.guests,
            cancelled=row.status == "cancelled",
        )


def _side(latitude: Cell, longitude: Cell) -> int | None:
    """0 without a latitude, 1 south of the equator, 2 else; None where it needs a closer look."""
    try:
        if isinstance(latitude, str) and isinstance(longitude, str):
            if (latitude + longitude).strip(_PLAIN_DECIMAL):
                return None
            latitude = float(latitude) if latitude else None
            longitude = float(longitude) if longitude else None
        if longitude is not None and not -180 <= longitude <= 180:  # type: ignore[operator]
            return None
        if latitude is None:
            return 0
        if not -90 <= latitude <= 90:  # type: ignore[operator]
            return None
        return 1 if latitude < 0 else 2  # type: ignore[operator]
    except (TypeError, ValueError):
        return None
