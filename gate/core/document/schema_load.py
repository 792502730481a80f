"""The load model of a policy: what a wedding weighs, and what a replica carries."""

from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator

from gate.core.document.fields import (
    Country,
    DayCount,
    Factor,
    Hour,
    Month,
    Positive,
    Section,
    SettingName,
    Text,
    refuse,
)
from gate.core.document.schema_observed import AnyObserved

Replicas = Annotated[int, Field(ge=1)]


class CultureSection(Section):
    """A wedding culture; one that has no default needs all three."""

    factor: Factor = Field(description="Load factor at its usual number of guests.")
    guests: Annotated[int, Field(ge=1, le=1_000_000)] = Field(description="Usual guests.")
    days: DayCount = Field(description="Usual days.")


class SeasonSection(Section):
    """The season's factor, and the months in which it holds."""

    factor: Factor = Field(description="Factor in the season; 1 outside of it.")
    north: list[Month] = Field(description="Months in the northern hemisphere.")
    south: list[Month] = Field(description="Months in the southern hemisphere.")
    countries: dict[Country, list[Month]] = Field(
        description="Months by ISO 3166-1 alpha-2 code; they go before the hemispheres'."
    )


class CapacitySection(Section):
    """What a replica carries, and the rungs of the replica ladder."""

    units_per_replica: Positive = Field(description="Demand units that one replica carries.")
    floor: Replicas = Field(description="Replicas at NORMAL.")
    high: Replicas = Field(description="Replicas at HIGH; floor or more.")
    ceiling: Replicas = Field(description="Replicas at MAXIMUM; high or more.")
    fallback: Replicas = Field(description="Least replicas where the plan cannot be known.")
    emergency: Replicas = Field(description="Replicas in an emergency; ceiling or more.")

    @field_validator("high", "ceiling", "emergency")
    @classmethod
    def _not_below(cls, value: int, info: ValidationInfo) -> int:
        assert info.field_name is not None
        lower = {"high": "floor", "ceiling": "high", "emergency": "ceiling"}[info.field_name]
        least = info.data.get(lower)
        if least is not None and value < least:
            raise refuse(f"is {value}, below `{lower}`, which is {least}", f"write {least} or more")
        return value


Settings = dict[SettingName, str]


class CacheSection(Section):
    """Settings of the platform by level; each level has those of the levels below it, too."""

    NORMAL: Settings | None = Field(None, description="Settings by name; values are text.")
    HIGH: Settings | None = Field(None, description="What differs from NORMAL.")
    MAXIMUM: Settings | None = Field(None, description="What differs from HIGH.")


class LoadSection(Section):
    """The factors of the demand formula."""

    cultures: dict[Text, CultureSection] = Field(description="Cultures by name.")
    venues: dict[Text, Factor] = Field(description="Factors of venues; others count 1.")
    settings: dict[Text, Factor] = Field(description="Factors of settings; others count 1.")
    season: SeasonSection = Field(description="The wedding season.")
    saturday: Factor = Field(description="Factor of Saturdays; other days count 1.")
    hours: dict[Hour, Factor] = Field(
        description="Factor from a local hour on; replaced as a whole, and 0 is required."
    )
    capacity: CapacitySection = Field(description="Replicas.")
    cache: CacheSection | None = Field(
        None, description="Cache and warm-up settings, applied with the pre-scale."
    )
    observed: AnyObserved | None = Field(
        None, description="Observed load, which may raise the demand above what is booked."
    )

    @field_validator("hours")
    @classmethod
    def _from_midnight(cls, value: dict[int, Factor]) -> dict[int, Factor]:
        if 0 not in value:
            raise refuse("has no factor for hour 0", "add 0: the factor from midnight on")
        return value
