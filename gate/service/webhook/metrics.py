"""What the webhook counts, for Prometheus; summed over its workers.

The workers count in files that prometheus-client maps into memory
(``PROMETHEUS_MULTIPROC_DIR``, which the supervisor sets), so that any worker can render all.
"""

import os
from datetime import datetime
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from gate.core.decision import Decision

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
_SECONDS = (0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 1.0, 4.0)
_Labels = tuple[str, str, str, str]


class Metrics:
    """One worker's figures."""

    def __init__(self) -> None:
        registry = CollectorRegistry()
        self._decisions = Counter(
            "gate_admission_decisions", "Reviews decided, by what came of them.",
            ("action", "verdict", "effect", "phase"), registry=registry,
        )  # fmt: skip
        self._passed = Counter(
            "gate_admission_passed", "Reviews that nothing had to be decided about.", ("why",),
            registry=registry,
        )  # fmt: skip
        self._refused = Counter(
            "gate_admission_refused", "Requests that were not reviews, by HTTP status.",
            ("status",), registry=registry,
        )  # fmt: skip
        self._seconds = Histogram(
            "gate_admission_seconds", "Time from a request's head to its answer.",
            buckets=_SECONDS, registry=registry,
        )  # fmt: skip
        self._gauges = {
            name: Gauge(name, text, registry=registry, multiprocess_mode=mode)
            for name, (text, mode) in _GAUGES.items()
        }
        self._children: dict[_Labels, Counter] = {}

    def decided(self, decision: Decision) -> None:
        """Count a decision that is answered."""
        key = (
            decision.request.action, decision.verdict, decision.effect, decision.phase or "none",
        )  # fmt: skip
        child = self._children.get(key)
        if child is None:
            child = self._children[key] = self._decisions.labels(*key)
        child.inc()

    def passed(self, why: str) -> None:
        """Count a review that needs no decision."""
        self._passed.labels(why).inc()

    def refused(self, status: str) -> None:
        """Count a request that got an HTTP error, or none."""
        self._refused.labels(status).inc()

    def answered(self, seconds: float) -> None:
        """Note how long an answer took."""
        self._seconds.observe(seconds)

    def show(self, **values: float) -> None:
        """Set gauges, named without their prefix."""
        for name, value in values.items():
            self._gauges[f"gate_{name}"].set(value)

    def render(self) -> bytes:
        """All workers' figures, in the text format."""
        registry = CollectorRegistry()
        MultiProcessCollector(  # type: ignore[no-untyped-call]
            registry, path=os.environ[FOLDER_VARIABLE]
        )
        return generate_latest(registry)


_Mode = Literal["livesum", "livemax", "livemin"]
_GAUGES: dict[str, tuple[str, _Mode]] = {
    "gate_connections": ("Connections that are open.", "livesum"),
    "gate_body_bytes": ("Bytes that large request bodies hold.", "livesum"),
    "gate_snapshot_age_seconds": ("Since the database was last read; -1: never.", "livemax"),
    "gate_observed_load_age_seconds": (
        "Age of the latest observation of the load; -1: none, or the policy has no source.",
        "livemax",
    ),
    "gate_observed_load_failed": ("1 where the source of observed load has failed.", "livemax"),
    "gate_certificate_seconds_left": ("Until the certificate expires.", "livemin"),
    "gate_policy_refused": ("1 where a changed policy or calendar was refused.", "livemax"),
    "gate_next_transition_timestamp_seconds": ("When the verdict of a deploy changes.", "livemin"),
    "gate_rollback_history_synced": ("1 where rollbacks can be recognised.", "livemin"),
    "gate_rollback_templates": ("Pod templates known from earlier revisions.", "livemax"),
    "gate_journal_records": ("Records that are not yet in the ledger.", "livemax"),
    "gate_journal_bytes": ("Bytes of the journal that are not yet in the ledger.", "livemax"),
    "gate_journal_oldest_seconds": ("Age of the oldest record not in the ledger.", "livemax"),
    "gate_journal_usable": ("1 where decisions can be recorded.", "livemin"),
}


def forget(pid: int) -> None:
    """Leave out the gauges of a worker that has ended; what it counted stays."""
    mark_process_dead(pid, os.environ[FOLDER_VARIABLE])  # type: ignore[no-untyped-call]


def timestamp(instant: datetime | None) -> float:
    """Seconds since the epoch; -1 for none."""
    return -1.0 if instant is None else instant.timestamp()
