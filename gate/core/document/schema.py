"""The policy document as pydantic models: strict, and nothing but known keys.

The models judge a document whose defaults are filled in already (`defaults.fill`), so that every
field with a default is required here; `publish` turns that round for the JSON Schema.
"""

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from gate.core.document.fields import Duration, Section, Text, Version, Zone, refuse
from gate.core.document.schema_load import LoadSection
from gate.core.document.schema_windows import TAG, AnyWindow, ScopeSection
from gate.core.policy import Invoker, VerdictWord


class ByInvokerSection(Section):
    """A cell with a verdict for each invoker; one left out keeps its default."""

    human: VerdictWord = Field(description="For people.")
    automation: VerdictWord = Field(description="For automation.")


def _cell_tag(cell: object) -> str:
    return TAG + ("by-invoker" if isinstance(cell, dict) else "word")


Cell = Annotated[
    Annotated[VerdictWord, Tag(TAG + "word")]
    | Annotated[ByInvokerSection, Tag(TAG + "by-invoker")],
    Discriminator(_cell_tag),
]


class RowSection(Section):
    """The verdicts on one action; in phase `open` it is always allowed."""

    lead: Cell = Field(description="Ahead of a lock.")
    locked: Cell = Field(description="During a lock.")


class ActionsSection(Section):
    """The action table."""

    deploy: RowSection = Field(description="New code or a new pod template.")
    config: RowSection = Field(description="Configuration.")
    restart: RowSection = Field(description="The same pods again.")
    scale_down: RowSection = Field(alias="scale-down", description="Fewer replicas.")
    scale_up: RowSection = Field(alias="scale-up", description="More replicas.")
    rollback: RowSection = Field(description="Back to a pod template that ran before.")


class LevelLockSection(Section):
    """Lock by load: while the level is `at` or more."""

    at: Literal["HIGH", "MAXIMUM", "never"] = Field(description="The level from which it locks.")
    join: Duration = Field(description="Gaps shorter than this are filled.")
    scope: ScopeSection = Field(description="Which requests it concerns.")


class OverrideSection(Section):
    """Who may override a denial, with how many approvers, and for how long."""

    roles: list[Text] = Field(description="Roles that may override.")
    approvals: Annotated[int, Field(ge=0)] = Field(description="Distinct approvers needed.")
    max_ttl: Duration = Field(description="Longest duration of an override.")
    automation: bool = Field(description="Whether automation may use one.")


class IdentitySection(Section):
    """Maps a Kubernetes user, a group, or both together to an invoker and an actor."""

    user: Text | None = Field(None, description="Glob on the user name.")
    group: Text | None = Field(None, description="Glob on one of the user's groups.")
    invoker: Invoker = Field(description="What the identity counts as.")
    actor: Text | None = Field(None, description="The name under which it is recorded.")

    @model_validator(mode="after")
    def _names_somebody(self) -> "IdentitySection":
        if self.user is None and self.group is None:
            raise refuse("names nobody", "give it a `user`, a `group` or both")
        return self


class GitHubSection(Section):
    """What GitHub's doors guard."""

    bases: Annotated[list[Text], Field(min_length=1)] | None = Field(
        None, description="Globs of base branches whose pull requests carry the check."
    )
    on_lock: Literal["wait", "reject"] = Field(
        description="What becomes of a deployment that asks during a lock."
    )


class TokenGrantSection(Section):
    """Workflows whose tokens are taken; all globs given must match."""

    repository: Text = Field(description="Glob on OWNER/NAME.")
    ref: Text | None = Field(None, description="Glob on the ref, such as refs/heads/main.")
    environment: Text | None = Field(None, description="Glob on the job's environment.")
    job_workflow_ref: Text | None = Field(None, description="Glob on the workflow that runs.")


class TokensSection(Section):
    """Whose OIDC tokens a gate server takes."""

    issuer: Text = Field(description="The issuer's address.")
    audience: Text = Field(description="The audience that a token must name.")
    allow: list[TokenGrantSection] = Field(description="Who is let in; empty: nobody.")


class PolicyDocument(Section):
    """A policy of Saturday Gate: when changes may go out, and what weddings weigh."""

    version: Version = Field(description="The version of this format.")
    name: Text | None = Field(None, description="What the policy is called in decisions.")
    timezone: Zone = Field(description="The home zone.")
    mode: Literal["enforce", "warn"] = Field(description="Mode warn never blocks.")
    on_undecided: Literal["block", "allow"] = Field(
        description="What happens where no verdict can be reached."
    )
    lead: Duration = Field(description="The time ahead of a lock in which phase `lead` holds.")
    windows: list[AnyWindow] = Field(description="Stretches of time that lock or open.")
    level_lock: LevelLockSection = Field(description="The lock that follows the load.")
    actions: ActionsSection = Field(description="Verdicts by action, phase and invoker.")
    override: OverrideSection = Field(description="Break-glass.")
    exempt: list[Text] = Field(description="User names, exact, that are never judged.")
    identities: list[IdentitySection] = Field(description="The first match counts.")
    github: GitHubSection = Field(description="Checks and deployments on GitHub.")
    tokens: TokensSection = Field(description="Identity tokens of workflows.")
    load: LoadSection = Field(description="The load model.")
