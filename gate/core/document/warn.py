"""What is valid in a policy and still deserves a second look.

Warnings never change what a policy means; `gate policy validate` prints them.
"""

from collections.abc import Callable, Iterator
from datetime import date
from itertools import groupby

from gate.core.document.tree import Path
from gate.core.policy import CsvSource, Identity, InstantSpan, Policy, Recurring, Window
from gate.core.rrule import Rule, parse_rule

Warning_ = tuple[Path, str, str | None]


def warnings_of(policy: Policy) -> Iterator[Warning_]:
    """Path, message and mend of each warning, in the order of the document."""
    checks: tuple[Callable[[Policy], Iterator[Warning_]], ...] = (
        _windows,
        _nothing_locks,
        _actions,
        _overrides,
        _exempt,
        _identities,
        _cache,
        _observed,
    )
    for check in checks:
        yield from check(policy)


def _windows(policy: Policy) -> Iterator[Warning_]:
    locks = [window for window in policy.windows if window.kind == "lock"]
    for at, window in enumerate(policy.windows):
        path: Path = ("windows", at)
        if isinstance(window.when, Recurring):
            yield from _exceptions(window.when, path)
        if window.kind == "open":
            yield from _open_window(policy, window, locks, path)


def _exceptions(when: Recurring, path: Path) -> Iterator[Warning_]:
    rule = parse_rule(when.rrule, when.since)
    days = sorted(set(when.except_dates))
    occurrences = set(_occurrences(rule, days))
    for at, day in enumerate(when.except_dates):
        if day not in occurrences:
            yield (
                (*path, "except", at),
                f"{day} is no occurrence of the rule, so leaving it out changes nothing",
                "correct the date or remove it",
            )


def _occurrences(rule: Rule, days: list[date]) -> Iterator[date]:
    """The occurrences around the given days; the rule is asked once a year of theirs."""
    for _, group in groupby(days, key=lambda day: day.year):
        of_year = list(group)
        yield from rule.dates(of_year[0], of_year[-1])


def _open_window(
    policy: Policy, window: Window, locks: list[Window], path: Path
) -> Iterator[Warning_]:
    if not locks and policy.level_lock.at == "never":
        yield path, "opens nothing: neither a window nor the level ever locks", "remove it"
    elif policy.level_lock.at == "never" and all(_apart(window, lock) for lock in locks):
        yield path, "can never apply: it ends before, or starts after, every lock", None
    if set(window.zones) == {"venues"}:
        yield (
            (*path, "zones"),
            "opens exactly where weddings take place",
            "name `home` or IANA zones, if that is not meant",
        )


def _apart(window: Window, lock: Window) -> bool:
    """Whether two windows between instants have no instant in common."""
    ours, theirs = window.when, lock.when
    return (
        isinstance(ours, InstantSpan)
        and isinstance(theirs, InstantSpan)
        and (ours.end <= theirs.start or theirs.end <= ours.start)
    )


def _nothing_locks(policy: Policy) -> Iterator[Warning_]:
    if policy.level_lock.at == "never" and all(one.kind == "open" for one in policy.windows):
        yield (), "never locks by itself: no lock window, and level_lock.at is never", None


def _actions(policy: Policy) -> Iterator[Warning_]:
    for action, cells in policy.actions.items():
        for invoker in ("human", "automation"):
            lead, locked = getattr(cells.lead, invoker), getattr(cells.locked, invoker)
            if (lead, locked) == ("deny", "allow"):
                yield (
                    ("actions", str(action)),
                    f"is denied to {invoker} ahead of a lock, but allowed during it",
                    None,
                )


def _overrides(policy: Policy) -> Iterator[Warning_]:
    if not policy.override.roles:
        yield ("override", "roles"), "is empty: nobody can override a denial", None
    if not policy.override.max_ttl:
        yield ("override", "max_ttl"), "is zero: no override is ever in force", None


def _exempt(policy: Policy) -> Iterator[Warning_]:
    for at, name in enumerate(policy.exempt):
        if "*" in name or "?" in name:
            yield (
                ("exempt", at),
                f"{name!r} is taken as an exact name, not as a glob",
                "list the names one by one",
            )


def _identities(policy: Policy) -> Iterator[Warning_]:
    everybody: int | None = None
    for at, identity in enumerate(policy.identities):
        if everybody is not None:
            yield (
                ("identities", at),
                f"is never reached: identities[{everybody}] matches everybody",
                "put the special ones first",
            )
        elif _matches_everybody(identity):
            everybody = at


def _matches_everybody(identity: Identity) -> bool:
    # A group that is `*` still wants one group at all.
    return identity.user == "*" and identity.group is None


def _cache(policy: Policy) -> Iterator[Warning_]:
    above: dict[str, str] = {}
    for level, settings in policy.load.cache.items():
        for name, value in settings.items():
            if above.get(name) == value:
                yield (
                    ("load", "cache", level, name),
                    "is what it is at the level below already",
                    "remove it, or change it",
                )
        above |= settings
    if policy.load.cache and "NORMAL" not in policy.load.cache:
        yield (
            ("load", "cache"),
            "has no NORMAL: what the higher levels set is taken away again, not set back",
            "add NORMAL with the everyday values",
        )


def _observed(policy: Policy) -> Iterator[Warning_]:
    observed = policy.load.observed
    if observed is None:
        return
    path: Path = ("load", "observed")
    if isinstance(observed.source, CsvSource) and not observed.source.file.startswith("/"):
        yield (
            (*path, "file"),
            "is read from the working directory of whoever decides",
            "write an absolute path, where servers are to read it",
        )
    if not observed.hold:
        yield (*path, "hold"), "is zero: outside of windows and peaks nothing is ever raised", None
    elif observed.hold < observed.max_age:
        yield (
            (*path, "hold"),
            "is shorter than `max_age`: what was raised may come down before the next observation",
            "write a longer one",
        )
