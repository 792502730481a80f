"""The checked document as the value that the rest of the core works with."""

from gate.core.document.schema import (
    ByInvokerSection,
    GitHubSection,
    OverrideSection,
    PolicyDocument,
    RowSection,
)
from gate.core.document.schema_load import CacheSection, LoadSection
from gate.core.document.schema_observed import observed_rules
from gate.core.document.schema_windows import (
    InstantsSection,
    LocalSection,
    RecurringSection,
    ScopeSection,
    WindowSection,
)
from gate.core.policy import (
    Action,
    ByInvoker,
    Capacity,
    Cells,
    Culture,
    GitHubRules,
    Identity,
    InstantSpan,
    LevelLock,
    LevelName,
    LoadModel,
    LocalSpan,
    OverrideRules,
    Policy,
    Recurring,
    Scope,
    Season,
    TokenGrant,
    TokenRules,
    VerdictWord,
    Window,
)


def compile_policy(document: PolicyDocument, sha256: str) -> Policy:
    """The policy that a valid document means; ``sha256`` is of the file's bytes."""
    return Policy(
        sha256=sha256,
        name=document.name,
        timezone=document.timezone,
        mode=document.mode,
        on_undecided=document.on_undecided,
        lead=document.lead,
        windows=tuple(_window(window) for window in document.windows),
        level_lock=LevelLock(
            at=document.level_lock.at,
            join=document.level_lock.join,
            scope=_scope(document.level_lock.scope),
        ),
        actions={
            Action(field.alias or name): _cells(getattr(document.actions, name))
            for name, field in type(document.actions).model_fields.items()
        },
        override=_override(document.override),
        exempt=tuple(document.exempt),
        identities=tuple(
            Identity(
                invoker=identity.invoker,
                user=identity.user,
                group=identity.group,
                actor=identity.actor,
            )
            for identity in document.identities
        ),
        github=_github(document.github),
        tokens=TokenRules(
            issuer=document.tokens.issuer,
            audience=document.tokens.audience,
            allow=tuple(
                TokenGrant(
                    repository=grant.repository,
                    ref=grant.ref,
                    environment=grant.environment,
                    job_workflow_ref=grant.job_workflow_ref,
                )
                for grant in document.tokens.allow
            ),
        ),
        load=_load(document.load),
    )


def _github(github: GitHubSection) -> GitHubRules:
    bases = None if github.bases is None else tuple(github.bases)
    return GitHubRules(bases=bases, on_lock=github.on_lock)


def _window(window: WindowSection) -> Window:
    return Window(
        name=window.name,
        kind=window.kind,
        when=_when(window),
        zones=() if isinstance(window, InstantsSection) else tuple(window.zones),
        scope=_scope(window.scope),
    )


def _when(window: WindowSection) -> Recurring | LocalSpan | InstantSpan:
    if isinstance(window, InstantsSection):
        return InstantSpan(start=window.start, end=window.end)
    if isinstance(window, LocalSection):
        return LocalSpan(start=window.start, end=window.end)
    return _recurring(window)


def _recurring(window: RecurringSection) -> Recurring:
    days = window.days
    if days is None:
        days = 2 if window.to <= window.from_ else 1
    return Recurring(
        rrule=window.rrule,
        since=window.since,
        except_dates=tuple(window.except_),
        from_minutes=window.from_,
        to_minutes=window.to,
        days=days,
    )


def _scope(scope: ScopeSection) -> Scope:
    def globs(listed: list[str] | None) -> tuple[str, ...] | None:
        return None if listed is None else tuple(listed)

    return Scope(
        environments=globs(scope.environments),
        namespaces=globs(scope.namespaces),
        services=globs(scope.services),
        repositories=globs(scope.repositories),
    )


def _cells(row: RowSection) -> Cells:
    return Cells(lead=_cell(row.lead), locked=_cell(row.locked))


def _cell(cell: VerdictWord | ByInvokerSection) -> ByInvoker:
    if isinstance(cell, ByInvokerSection):
        return ByInvoker(human=cell.human, automation=cell.automation)
    return ByInvoker(human=cell, automation=cell)


def _override(override: OverrideSection) -> OverrideRules:
    return OverrideRules(
        roles=tuple(override.roles),
        approvals=override.approvals,
        max_ttl=override.max_ttl,
        automation=override.automation,
    )


def _load(load: LoadSection) -> LoadModel:
    season, capacity = load.season, load.capacity
    return LoadModel(
        cultures={
            name: Culture(factor=culture.factor, guests=culture.guests, days=culture.days)
            for name, culture in load.cultures.items()
        },
        venues=dict(load.venues),
        settings=dict(load.settings),
        season=Season(
            factor=season.factor,
            north=tuple(season.north),
            south=tuple(season.south),
            countries={code: tuple(months) for code, months in season.countries.items()},
        ),
        saturday=load.saturday,
        hours=dict(sorted(load.hours.items())),
        capacity=Capacity(
            units_per_replica=capacity.units_per_replica,
            floor=capacity.floor,
            high=capacity.high,
            ceiling=capacity.ceiling,
            fallback=capacity.fallback,
            emergency=capacity.emergency,
        ),
        cache=_cache(load.cache),
        observed=None if load.observed is None else observed_rules(load.observed),
    )


def _cache(cache: CacheSection | None) -> dict[LevelName, dict[str, str]]:
    if cache is None:
        return {}
    named: tuple[tuple[LevelName, dict[str, str] | None], ...] = (
        ("NORMAL", cache.NORMAL),
        ("HIGH", cache.HIGH),
        ("MAXIMUM", cache.MAXIMUM),
    )
    return {level: dict(settings) for level, settings in named if settings is not None}
