"""Calendar files into booked demand by zone and culture."""

from collections.abc import Sequence
from pathlib import Path

from gate.calendars.reading import read_rows
from gate.core.breakdown import Breakdown
from gate.core.policy import LoadModel


def read_breakdown(paths: Sequence[str | Path], load: LoadModel) -> Breakdown:
    """The weddings of calendar files that are not cancelled, by zone and culture.

    Raises as `read_rows` does.
    """
    made = Breakdown(load)
    for row in read_rows(paths, load):
        if row.status != "cancelled":
            made.add(
                zone=row.timezone,
                country=row.country,
                latitude=row.latitude,
                culture=row.culture,
                venue=row.venue,
                setting=row.setting,
                first=row.date.toordinal(),
                days=row.days,
                guests=row.guests,
            )
    return made
