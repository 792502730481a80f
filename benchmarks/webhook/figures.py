"""The figures to reach, each against a peer of the same run."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.report import median
from benchmarks.webhook.drive import Round

ADDED_AT_MOST = 0.9
"""What a PATCH through the API server may take longer, as a share of what OPA adds."""
RSS_AT_MOST_MIB = 150


@dataclass(frozen=True)
class Figure:
    """A measure of ours over that of a peer, and what it should come to."""

    measure: str
    of: Callable[[Round], float]
    peer: str
    wanted: float
    least: bool
    """Whether `wanted` is the least, else the most."""

    def text(self) -> str:
        """As in the issue: ``≥ 4 × OPA``."""
        return f"{'≥' if self.least else '≤'} {self.wanted:g} × {self.peer}"

    def seen(self, ours: Sequence[Round], peers: Sequence[Round]) -> str:
        """The median of the rounds' ratios, and whether it is short of what is wanted."""
        ratios = [self.of(a) / self.of(b) for a, b in zip(ours, peers, strict=True)]
        ratio = median(ratios)
        reached = ratio >= self.wanted if self.least else ratio <= self.wanted
        return f"{ratio:.2f}" + ("" if reached else " (short)")


def _rate(one: Round) -> float:
    return one.rate


def _cpu(one: Round) -> float:
    return one.cpu_per_1000


def _p99(one: Round) -> float:
    return one.p99_ms


FIGURES = (
    Figure("decisions/s", _rate, "OPA", 4, least=True),
    Figure("decisions/s", _rate, "Kyverno", 6, least=True),
    Figure("decisions/s", _rate, "Kyverno, no events", 6, least=True),
    Figure("decisions/s", _rate, "Gatekeeper", 9, least=True),
    Figure("decisions/s", _rate, "bare Go", 1, least=True),
    Figure("CPU s/1000", _cpu, "OPA", 0.3, least=False),
    Figure("p99", _p99, "OPA", 0.15, least=False),
)


def table(taken: Mapping[str, Sequence[Round]], ours: Sequence[str]) -> list[dict[str, Any]]:
    """A row a figure, a column for each of ours; figures whose peer is missing are left out."""
    rows = [
        {
            "measure": each.measure,
            "wanted": each.text(),
            **{name: each.seen(taken[name], taken[each.peer]) for name in ours},
        }
        for each in FIGURES
        if each.peer in taken
    ]
    memory = {"measure": "RSS of a worker, MiB", "wanted": f"≤ {RSS_AT_MOST_MIB}"}
    # The first process is the supervisor; the others are alike but for what they were asked.
    return [*rows, {**memory, **{n: f"{max(taken[n][-1].rss_mib[1:]):.0f}" for n in ours}}]
