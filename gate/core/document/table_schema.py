"""The document of `gate policy test` as pydantic models."""

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from gate.core.document.fields import Instant, Section, Text
from gate.core.document.schema_windows import TAG
from gate.core.policy import Invoker

VerdictName = Literal["allow", "deny", "undecided"]
ActionName = Literal["deploy", "config", "restart", "scale-down", "scale-up", "rollback"]


class ExpectedSection(Section):
    """What a decision must say; what is left out may be anything."""

    verdict: VerdictName = Field(description="What the policy says.")
    phase: Literal["open", "lead", "locked"] | None = Field(None, description="The phase.")
    effect: Literal["allow", "warn", "block"] | None = Field(None, description="The effect.")
    level: Literal["NORMAL", "HIGH", "MAXIMUM"] | None = Field(None, description="The level.")


def _expectation_tag(value: object) -> str:
    return TAG + ("parts" if isinstance(value, dict) else "word")


Expectation = Annotated[
    Annotated[VerdictName, Tag(TAG + "word")] | Annotated[ExpectedSection, Tag(TAG + "parts")],
    Discriminator(_expectation_tag),
]


class CaseSection(Section):
    """One question and the answer expected."""

    name: Text | None = Field(None, description="What the case shows.")
    at: Instant = Field(description="The instant of the question.")
    action: ActionName = Field("deploy", description="What the change does.")
    invoker: Invoker = Field("automation", description="Who asks.")
    environment: str | None = Field(None, description="Empty counts as not given.")
    namespace: str | None = Field(None, description="Empty counts as not given.")
    service: str | None = Field(None, description="Empty counts as not given.")
    repository: str | None = Field(None, description="Empty counts as not given.")
    expect: Expectation = Field(description="A verdict, or a mapping of what must hold.")


class TableDocument(Section):
    """Cases that hold for a policy, kept beside it."""

    policy: Text | None = Field(None, description="Path of the policy, from this file.")
    calendars: list[Text] = Field([], description="Paths of calendars, from this file.")
    cases: Annotated[list[CaseSection], Field(min_length=1)] = Field(description="The cases.")
