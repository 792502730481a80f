"""The source that a policy names, and asking it once."""

from collections.abc import Mapping

from gate.core.demand import Calendar
from gate.core.observed import Observation, Seen, reach
from gate.core.policy import CsvSource, Policy
from gate.load_sources.csv_file import CsvFile
from gate.load_sources.port import LoadSource, SourceFailedError

TOKEN_VARIABLE = "GATE_PROMETHEUS_TOKEN"  # noqa: S105 - the name of a variable


def source_of(policy: Policy, environ: Mapping[str, str]) -> LoadSource:
    """The source of a policy that observes load. Raises `SourceFailedError` for a bad token."""
    rules = policy.load.observed
    assert rules is not None
    cultures = frozenset(policy.load.cultures)
    if isinstance(rules.source, CsvSource):
        return CsvFile(rules.source, rules, cultures)
    # Only who asks Prometheus pays for the import of an HTTP client.
    from gate.load_sources.prometheus import Prometheus  # noqa: PLC0415

    return Prometheus(rules.source, rules, cultures, environ.get(TOKEN_VARIABLE) or None)


def look_once(
    policy: Policy,
    booked: Calendar,
    now: int,
    environ: Mapping[str, str],
    *,
    first: int | None = None,
) -> Seen:
    """Ask for the load now, and for what was seen as far back as it matters from ``first`` on.

    That is ``now``, unless who asks also looks at what was before.
    What cannot be had is told in the answer: the bookings stand, whatever happens to the metrics.
    """
    trouble: str | None = None
    found: list[Observation] = []
    try:
        source = source_of(policy, environ)
        total = source.latest(now).total
        if total is not None:
            found.append(total)
        since = now if first is None else min(first, now)
        found += source.between(reach(policy, booked, since), now)
    except SourceFailedError as error:
        trouble = str(error)
    return Seen(observations=tuple(found), asked_at=now, trouble=trouble)
