"""The freeze that every target enforces, whatever weekday the benchmark runs on.

Namespaces are of two kinds by the beginning of their names. In those of `FROZEN` the weekday of
now is one of the frozen ones and a change is denied; in those of `OPEN` other weekdays are frozen,
none of them near, and the same change is allowed by the same rule.
"""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

FROZEN = "frozen"
OPEN = "open"
ZONE = "Europe/London"
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def direct(prefix: str) -> str:
    """The namespace of the reviews that are posted to the targets themselves."""
    return f"{prefix}-direct"


@dataclass(frozen=True)
class Freeze:
    """Weekdays (0 = Monday) on which nothing is deployed, of either kind of namespace."""

    frozen: tuple[int, ...]
    open: tuple[int, ...]
    zone: str = ZONE

    def days(self) -> dict[str, tuple[int, ...]]:
        """The weekdays by the beginning of a namespace's name."""
        return {FROZEN: self.frozen, OPEN: self.open}

    def names(self) -> dict[str, list[str]]:
        """The same in English."""
        return {prefix: [WEEKDAYS[day] for day in days] for prefix, days in self.days().items()}

    def sunday_first(self) -> dict[str, list[int]]:
        """The same with 0 = Sunday, as CEL counts."""
        return {prefix: [(day + 1) % 7 for day in days] for prefix, days in self.days().items()}


def freeze_around(now: datetime) -> Freeze:
    """The freeze of a run that begins now: a midnight in between changes no verdict."""
    today = now.astimezone(ZoneInfo(ZONE)).weekday()
    return Freeze(
        frozen=(today, (today + 1) % 7),
        open=((today + 3) % 7, (today + 4) % 7),
    )
