"""Cache and warm-up settings of the level, brought to where the workloads are.

Each change of the level, or of what a level means, is a row of `infrastructure_cache_configs`; what
the last row says is applied as a ConfigMap to every namespace with a pre-scaled target.
"""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import msgspec
import psycopg
from kubernetes.client import ApiClient, CoreV1Api
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from gate.cluster.scaling.cache import CACHE_MAP, cache_map, says
from gate.cluster.scaling.values import FIELD_MANAGER
from gate.core.cache import settings_at
from gate.core.decision import Level
from gate.core.policy import LevelName
from gate.service.keeper.kube import ClusterUnavailable, Refused
from gate.service.scaling.calls import Caller
from gate.service.scaling.cluster import WIDTH
from gate.store.connect import Target as Store
from gate.store.connect import session
from gate.store.errors import StoreUnavailable
from gate.store.queries import query

_APPLY = "application/apply-patch+yaml"
_TIMEOUTS_SECONDS = (3.0, 15.0)
_PAGE = 500
_FORBIDDEN, _GONE = 403, 410
_NEXT = timedelta(microseconds=1)


class CacheConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Settings from an instant on; ``applied_at`` is when every namespace had them."""

    level: Level
    settings: dict[str, str]
    valid_from: datetime
    applied_at: datetime | None = None


class CacheOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one namespace: whether its ConfigMap was written, or why it could not be."""

    namespace: str
    changed: bool
    problem: str | None = None


class CacheRun(msgspec.Struct, frozen=True, kw_only=True):
    """What a run did; ``troubles`` are those of no single namespace."""

    config: CacheConfig
    outcomes: tuple[CacheOutcome, ...]
    troubles: tuple[str, ...] = ()

    @property
    def problems(self) -> tuple[str, ...]:
        """Everything that went wrong, a line each."""
        named = (f"{o.namespace}/{CACHE_MAP}: {o.problem}" for o in self.outcomes if o.problem)
        return (*self.troubles, *named)


def apply_cache(
    client: ApiClient,
    cache: Mapping[LevelName, Mapping[str, str]],
    level: Level | None,
    namespaces: Iterable[str],
    *,
    at: datetime,
    store: Store | None = None,
    dry_run: bool = False,
) -> CacheRun | None:
    """Bring the ConfigMap of every namespace to the level's settings; again, it changes nothing.

    ``cache`` is the policy's `load.cache`. One list, and one call for each namespace that says
    something else. Nothing is done, and None returned, where the policy sets nothing or the level
    is not known: what stands then stays. With a store, the change is recorded first, and what the
    record says is applied. Nothing is raised: a problem of the settings stops no scaling.
    """
    settings = None if level is None else settings_at(cache, level)
    places = sorted(set(namespaces))
    if level is None or settings is None or not places:
        return None
    config = CacheConfig(level=level, settings=settings, valid_from=at)
    troubles: list[str] = []
    if store is not None and not dry_run:
        try:
            with session(store) as connection:
                config = record_change(connection, config)
        except StoreUnavailable as error:
            troubles.append(f"the change of cache settings is not recorded: {error}")
    outcomes, trouble = _brought(client, config, places, dry_run=dry_run)
    if trouble is not None:
        troubles.append(trouble)
    run = CacheRun(config=config, outcomes=outcomes, troubles=tuple(troubles))
    if store is not None and not dry_run and not run.problems:
        with suppress(StoreUnavailable), session(store) as connection:
            record_applied(connection, config, at)
    return run


def record_change(connection: psycopg.Connection, config: CacheConfig) -> CacheConfig:
    """Write a row where the last one says something else; the row that holds now.

    A clock that went back makes no row that is older than the last one.
    """
    with connection.transaction():
        connection.execute(query("cache", "lock"))
        last = current_config(connection)
        if last is not None:
            if (last.level, last.settings) == (config.level, config.settings):
                return last
            begins = max(config.valid_from, last.valid_from + _NEXT)
            config = msgspec.structs.replace(config, valid_from=begins)
        connection.execute(
            query("cache", "change"),
            {
                "level": config.level,
                "settings": Jsonb(config.settings),
                "valid_from": config.valid_from,
            },
        )
    return config


def record_applied(connection: psycopg.Connection, config: CacheConfig, at: datetime) -> None:
    """Note when the settings had come to every namespace; the first time counts."""
    values = {"level": config.level, "valid_from": config.valid_from, "at": at}
    connection.execute(query("cache", "applied"), values)


def current_config(connection: psycopg.Connection) -> CacheConfig | None:
    """What holds now; None before the first level was recorded."""
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(query("cache", "current")).fetchone()
    return None if row is None else CacheConfig(**{**row, "level": Level(row["level"])})


class _Meta(msgspec.Struct, frozen=True, rename={"more": "continue"}):
    more: str = ""


class _Page(msgspec.Struct, frozen=True):
    metadata: _Meta
    items: list[dict[str, Any]] | None = None


def _brought(
    client: ApiClient, config: CacheConfig, places: list[str], *, dry_run: bool
) -> tuple[tuple[CacheOutcome, ...], str | None]:
    core, call = CoreV1Api(client), Caller()
    try:
        there = _listed(core, call, places)
    except (ClusterUnavailable, msgspec.MsgspecError) as error:
        return (), f"cache settings are not applied: {error}"

    def bring(place: str) -> CacheOutcome:
        found = there.get(place)
        if found is not None and says(found, config.level, config.settings):
            return CacheOutcome(namespace=place, changed=False)
        return _applied(core, call, place, config, dry_run=dry_run)

    with ThreadPoolExecutor(WIDTH, thread_name_prefix="cache") as pool:
        return tuple(pool.map(bring, places)), None


def _listed(core: CoreV1Api, call: Caller, places: list[str]) -> dict[str, dict[str, Any]]:
    """The gate's ConfigMaps by namespace."""
    ask: Callable[..., Any] = core.list_config_map_for_all_namespaces
    if len(places) == 1:
        ask = partial(core.list_namespaced_config_map, places[0])
    while True:
        try:
            return {each["metadata"]["namespace"]: each for each in _pages(ask, call)}
        except Refused as error:
            # The place where the next page begins was forgotten: from the beginning.
            if error.status != _GONE:
                raise


def _pages(ask: Callable[..., Any], call: Caller) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    more: dict[str, str] = {}
    while True:
        options = {"field_selector": f"metadata.name={CACHE_MAP}", "limit": _PAGE, **more}
        answer = call("list the cache settings", partial(ask, **options, **_raw()))
        page = msgspec.json.decode(answer.data, type=_Page)
        found += page.items or ()
        if not page.metadata.more:
            return found
        more = {"_continue": page.metadata.more}


def _applied(
    core: CoreV1Api, call: Caller, place: str, config: CacheConfig, *, dry_run: bool
) -> CacheOutcome:
    if dry_run:
        return CacheOutcome(namespace=place, changed=True)
    body = cache_map(place, config.level, config.settings)
    options = {"field_manager": FIELD_MANAGER, "force": True, "_content_type": _APPLY, **_raw()}
    apply = partial(core.patch_namespaced_config_map, CACHE_MAP, place, body, **options)
    try:
        call("apply the cache settings", apply)
    except ClusterUnavailable as error:
        hint = ""
        if isinstance(error, Refused) and error.status == _FORBIDDEN:
            hint = " (the first time it is a change of configuration: name the gate's account in"
            hint += " the policy's `exempt`, or run it once outside of a lock)"
        return CacheOutcome(namespace=place, changed=False, problem=f"{error}{hint}")
    return CacheOutcome(namespace=place, changed=True)


def _raw() -> dict[str, Any]:
    return {"_preload_content": False, "_request_timeout": _TIMEOUTS_SECONDS}
