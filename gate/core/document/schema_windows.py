"""The windows of a policy: recurring, between local times, or between instants."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    ValidationInfo,
    WithJsonSchema,
)

from gate.core.document.defaults import form_of, has_offset
from gate.core.document.fields import (
    Day,
    DayCount,
    FromClock,
    Globs,
    Instant,
    Local,
    Section,
    Text,
    ToClock,
    ZoneOfOccurrence,
    ZoneOfSpan,
    not_a,
    refuse,
)
from gate.core.rrule import parse_rule

# pydantic puts the tag of a union into an error's path; no key of a document holds NUL, so that
# `messages` can tell tags from keys.
TAG = "\0"
_MAX_REFUSED_RULES = 40


class Effort:
    """Bounds the work on one document: after so many bad rules, the others are not looked at.

    A rule that never occurs costs a search of 28 years, tens of milliseconds at the worst.
    """

    def __init__(self) -> None:
        self.refused_rules = 0


class ScopeSection(Section):
    """Shell-style globs, case-sensitive (`*` crosses `/`); all lists given must match."""

    environments: Globs | None = Field(None, description="Environments, such as prod*.")
    namespaces: Globs | None = Field(None, description="Kubernetes namespaces.")
    services: Globs | None = Field(None, description="Services: names of workloads.")
    repositories: Globs | None = Field(None, description="Repositories as OWNER/NAME.")


class _Window(Section):
    name: Text = Field(description="Unique among the windows.")
    kind: Literal["lock", "open"] = Field(
        description="A lock forbids changes; an open window excepts from locks."
    )
    scope: ScopeSection = Field(
        description="Which requests it concerns; what a request leaves out matches a lock."
    )


def _rule(value: object, info: ValidationInfo) -> str:
    if not isinstance(value, str):
        raise not_a("text")
    effort, since = info.context, info.data.get("since")
    assert isinstance(effort, Effort)
    if since is None or effort.refused_rules >= _MAX_REFUSED_RULES:
        return value
    try:
        parse_rule(value, since)
    except ValueError as error:
        effort.refused_rules += 1
        message, _, mend = str(error).partition("; ")
        raise refuse(message, mend or None) from None
    return value


def _after_from(to: int, info: ValidationInfo) -> int:
    start = info.data.get("from_")
    if info.data.get("days") == 1 and start is not None and to <= start:
        raise refuse(
            "is not after `from` on the same day",
            "write days: 2, or leave `days` out, for a window past midnight",
        )
    return to


def _after_start(end: datetime, info: ValidationInfo) -> datetime:
    start = info.data.get("start")
    if start is not None and end <= start:
        raise refuse("is not after `start`")
    return end


def _unmixed(wanted: bool, mend: str) -> Callable[[object], object]:
    def validate(value: object) -> object:
        if isinstance(value, str) and "T" in value.upper() and has_offset(value) is not wanted:
            raise refuse("mixes local times with instants in one window", mend)
        return value

    return validate


_UNMIXED_LOCAL = BeforeValidator(_unmixed(False, "leave the offset out of both, or out of none"))
_UNMIXED_INSTANT = BeforeValidator(_unmixed(True, "write both with an offset, or none"))


class RecurringSection(_Window):
    """A window that recurs on the local dates that an RFC 5545 rule yields."""

    since: Day = Field(description="DTSTART of the rule.")
    rrule: Annotated[
        str,
        BeforeValidator(_rule),
        WithJsonSchema({"type": "string", "pattern": "^[A-Z]+=[^;=]+(?:;[A-Z]+=[^;=]+)*$"}),
    ] = Field(description="RFC 5545 RRULE over local dates, such as FREQ=WEEKLY;BYDAY=SA.")
    except_: list[Day] = Field(alias="except", description="Occurrence dates left out.")
    from_: FromClock = Field(alias="from", description="Local start, 00:00 to 23:59.")
    days: DayCount | None = Field(
        None,
        description="Local dates spanned; 1 where it is left out, or 2 where `to` <= `from`.",
    )
    to: Annotated[ToClock, AfterValidator(_after_from)] = Field(
        description="Local end, 00:01 to 24:00, on the last of the days."
    )
    zones: Annotated[list[ZoneOfOccurrence], Field(min_length=1)] = Field(
        description="Where: the home zone, zones with a wedding on these dates, or IANA zones."
    )


class LocalSection(_Window):
    """A window between two local times, read in each of its zones."""

    start: Annotated[Local, _UNMIXED_LOCAL] = Field(description="Local start.")
    end: Annotated[Local, AfterValidator(_after_start), _UNMIXED_LOCAL] = Field(
        description="Local end, after the start as written."
    )
    zones: Annotated[list[ZoneOfSpan], Field(min_length=1)] = Field(
        description="Where: the home zone or IANA zones."
    )


class InstantsSection(_Window):
    """A window between two instants, the same everywhere."""

    start: Annotated[Instant, _UNMIXED_INSTANT] = Field(description="Start, with an offset.")
    end: Annotated[Instant, AfterValidator(_after_start), _UNMIXED_INSTANT] = Field(
        description="End, with an offset."
    )


def _tag(window: Any) -> str:
    return TAG + form_of(window)


WindowSection = RecurringSection | LocalSection | InstantsSection
AnyWindow = Annotated[
    Annotated[RecurringSection, Tag(TAG + "recurring")]
    | Annotated[LocalSection, Tag(TAG + "local")]
    | Annotated[InstantsSection, Tag(TAG + "instants")],
    Discriminator(_tag),
]
