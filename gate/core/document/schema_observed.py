"""Observed load in a policy: its source, what its values mean, and what is learnt from it."""

import re
from datetime import timedelta
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)

from gate.core.document.fields import Duration, Positive, Section, Text, not_a, refuse
from gate.core.document.schema_windows import TAG
from gate.core.policy import (
    LONGEST_HOLD,
    CsvSource,
    LearnedRules,
    ObservedRules,
    PrometheusSource,
)

_SOURCES = ("prometheus", "csv")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


def _known_source(value: object) -> object:
    if value not in _SOURCES:
        raise refuse("is no source of observed load", "write `prometheus` or `csv`")
    return value


def _address(value: object) -> str:
    if not isinstance(value, str):
        raise not_a("text")
    mend = "write it as https://prometheus.example:9090"
    try:
        parts = urlsplit(value)
        # Reading the port judges it.
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not value.isascii() or not value.isprintable() or " " in value:
        raise refuse("is no address of a Prometheus server", mend)
    if "@" in parts.netloc:
        raise refuse("holds credentials, which have no place in a policy",
                     "give a token by the environment variable GATE_PROMETHEUS_TOKEN")  # fmt: skip
    if parts.query or parts.fragment:
        raise refuse("has a query or a fragment", mend)
    return value


def _label(value: object) -> str:
    if not isinstance(value, str):
        raise not_a("text")
    if not _LABEL.fullmatch(value):
        raise refuse("is no name of a label", "use letters, digits and _, with no digit first")
    return value


def _pair(value: object) -> object:
    if isinstance(value, list) and len(value) != 2:
        raise refuse("must have two numbers", "write it as [0.5, 2.0]")
    return value


def _some_time(value: timedelta) -> timedelta:
    if not value:
        raise refuse("must be more than 0s")
    return value


SomeTime = Annotated[Duration, AfterValidator(_some_time)]
Source = BeforeValidator(_known_source)
Label = Annotated[
    str,
    BeforeValidator(_label),
    WithJsonSchema({"type": "string", "pattern": f"^{_LABEL.pattern}$"}),
]
Address = Annotated[
    str,
    BeforeValidator(_address),
    WithJsonSchema({"type": "string", "pattern": "^[hH][tT][tT][pP][sS]?://[^@?# ]+$"}),
]


class LearnedSection(Section):
    """What may be learnt of the cultures' factors."""

    use: bool = Field(description="Whether learnt factors enter the demand.")
    at_least_samples: Annotated[int, Field(ge=2)] = Field(
        description="Hours with observed load that a factor is learnt from, at the least."
    )
    bounds: Annotated[list[Positive], BeforeValidator(_pair)] = Field(
        description="Least and largest learnt factor, as multiples of the culture's own.",
        json_schema_extra={"minItems": 2, "maxItems": 2},
    )

    @field_validator("bounds")
    @classmethod
    def _around_one(cls, value: list[Positive]) -> list[Positive]:
        if not value[0] <= 1 <= value[1]:
            raise refuse("does not hold 1, the culture's own factor", "write it as [0.5, 2.0]")
        return value


class _Observed(Section):
    units_per_value: Positive = Field(description="Demand units that a value of 1 stands for.")
    max_age: SomeTime = Field(description="An observation older than this raises nothing.")
    fails_after: SomeTime = Field(
        description="Without an observation for so long the source has failed; max_age or more."
    )
    hold: Duration = Field(description="How long what was raised stands at the least.")
    learned: LearnedSection = Field(description="What may be learnt from it.")

    @field_validator("hold")
    @classmethod
    def _within_bounds(cls, value: timedelta) -> timedelta:
        if value > LONGEST_HOLD:
            raise refuse(f"is longer than {LONGEST_HOLD.days} days, the most that is held")
        return value

    @field_validator("fails_after")
    @classmethod
    def _not_before_stale(cls, value: timedelta, info: ValidationInfo) -> timedelta:
        max_age = info.data.get("max_age")
        if max_age is not None and value < max_age:
            raise refuse("is shorter than `max_age`", "write a duration that is not")
        return value


class ObservedPrometheusSection(_Observed):
    """Load as a Prometheus server sees it."""

    source: Annotated[Literal["prometheus"], Source] = Field(description="A Prometheus server.")
    url: Address = Field(description="Its address, without credentials.")
    query: Text = Field(
        description="PromQL for an instant vector; the values of its series are summed."
    )
    zone_label: Label | None = Field(None, description="The label with a series' IANA zone.")
    culture_label: Label | None = Field(None, description="The label with a series' culture.")


class ObservedCsvSection(_Observed):
    """Load from a file that something else writes."""

    source: Annotated[Literal["csv"], Source] = Field(description="A CSV file.")
    file: Text = Field(description="Its path, absolute or from the working directory.")


ObservedSection = ObservedPrometheusSection | ObservedCsvSection


def _tag(observed: Any) -> str:
    csv = isinstance(observed, dict) and observed.get("source") == "csv"
    return TAG + ("csv" if csv else "prometheus")


AnyObserved = Annotated[
    Annotated[ObservedPrometheusSection, Tag(TAG + "prometheus")]
    | Annotated[ObservedCsvSection, Tag(TAG + "csv")],
    Discriminator(_tag),
]


def observed_rules(section: ObservedSection) -> ObservedRules:
    """The section as the value that the rest of the core works with."""
    source: PrometheusSource | CsvSource
    if isinstance(section, ObservedCsvSection):
        source = CsvSource(file=section.file)
    else:
        source = PrometheusSource(
            url=section.url,
            query=section.query,
            zone_label=section.zone_label,
            culture_label=section.culture_label,
        )
    low, high = section.learned.bounds
    return ObservedRules(
        source=source,
        units_per_value=section.units_per_value,
        max_age=section.max_age,
        fails_after=section.fails_after,
        hold=section.hold,
        learned=LearnedRules(
            use=section.learned.use,
            at_least_samples=section.learned.at_least_samples,
            bounds=(low, high),
        ),
    )
