"""Culture profiles in the database: effective-dated, with the factor learnt from observed load."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Context, Decimal
from fractions import Fraction

import msgspec
import psycopg
from psycopg.rows import class_row

from gate.core.learning import LoadedHour
from gate.core.learnt import LearntRow
from gate.core.policy import Culture, Policy
from gate.store.queries import query

# No number of a policy has more digits than that.
_EXACT = Context(prec=400)


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """A culture as it holds from ``valid_from`` on.

    ``factor``, ``guests`` and ``days`` are the policy's; ``observed_factor`` was learnt from so
    many samples, and is None where nothing was.
    """

    culture: str
    valid_from: datetime
    policy_sha256: str
    factor: Decimal
    guests: int
    days: int
    observed_factor: float | None
    observed_samples: int

    def is_of(self, culture: Culture) -> bool:
        """Whether the policy gives the culture these values still: what was learnt then holds."""
        own = Fraction(self.factor), self.guests, self.days
        return own == (culture.factor, culture.guests, culture.days)

    @property
    def row(self) -> LearntRow:
        """As the load model takes it."""
        return LearntRow(
            culture=self.culture,
            valid_from=self.valid_from,
            own=str(self.factor),
            guests=self.guests,
            days=self.days,
            learnt=self.observed_factor,
        )


def write_profiles(connection: psycopg.Connection, policy: Policy, at: datetime) -> bool:
    """Write a policy's cultures when it is first loaded; whether this was the first time.

    What was learnt of a culture that the policy leaves as it was is carried on.
    """
    with connection.transaction():
        connection.execute(query("load", "lock_samples"))
        named = {"sha256": policy.sha256}
        known = connection.execute(query("load", "profiles_known"), named).fetchone()
        if known is not None and known[0]:
            return False
        before = {profile.culture: profile for profile in newest_profiles(connection, at)}
        for name, culture in sorted(policy.load.cultures.items()):
            last = before.get(name)
            kept = last if last is not None and last.is_of(culture) else None
            insert_profile(
                connection,
                Profile(
                    culture=name,
                    valid_from=at,
                    policy_sha256=policy.sha256,
                    factor=decimal_of(culture.factor),
                    guests=culture.guests,
                    days=culture.days,
                    observed_factor=None if kept is None else kept.observed_factor,
                    observed_samples=0 if kept is None else kept.observed_samples,
                ),
            )
    return True


def newest_profiles(connection: psycopg.Connection, at: datetime) -> Sequence[Profile]:
    """What holds of each culture at an instant."""
    with connection.cursor(row_factory=class_row(Profile)) as cursor:
        return cursor.execute(query("load", "newest_profiles"), {"at": at}).fetchall()


def learnt_rows(connection: psycopg.Connection) -> tuple[LearntRow, ...]:
    """What holds and held of the cultures, for the load model. Raises psycopg's errors."""
    return tuple(each.row for each in all_profiles(connection))


def all_profiles(connection: psycopg.Connection) -> Sequence[Profile]:
    """Every profile that ever held, in order of time."""
    with connection.cursor(row_factory=class_row(Profile)) as cursor:
        return cursor.execute(query("load", "all_profiles")).fetchall()


def learning_samples(
    connection: psycopg.Connection, start: datetime, end: datetime
) -> list[LoadedHour]:
    """The hours of [start, end) with both booked and observed load."""
    with connection.cursor(row_factory=class_row(LoadedHour)) as cursor:
        return cursor.execute(
            query("load", "learning_samples"), {"start": start, "end": end}
        ).fetchall()


def unchanged_since(profiles: Sequence[Profile], policy: Policy) -> datetime | None:
    """Since when all cultures have been what they are in a policy; None where they never were.

    ``profiles`` are in order of time.
    """
    since: dict[str, datetime] = {}
    for profile in profiles:
        culture = policy.load.cultures.get(profile.culture)
        if culture is None or not profile.is_of(culture):
            since.pop(profile.culture, None)
        else:
            since.setdefault(profile.culture, profile.valid_from)
    return max(since.values()) if since.keys() == policy.load.cultures.keys() else None


def insert_profile(connection: psycopg.Connection, profile: Profile) -> None:
    """Write one, unless there is one of this culture and instant."""
    connection.execute(query("load", "insert_profile"), msgspec.structs.asdict(profile))


def decimal_of(factor: Fraction) -> Decimal:
    """A factor as the decimal that it is."""
    return _EXACT.divide(Decimal(factor.numerator), Decimal(factor.denominator))
