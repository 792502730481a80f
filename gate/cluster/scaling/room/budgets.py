"""PodDisruptionBudgets that let no Pod go: nodes then cannot be drained to make room."""

from collections.abc import Iterable, Iterator

from gate.cluster.scaling.room.findings import Finding
from gate.cluster.scaling.room.matching import selects
from gate.cluster.scaling.room.shapes import Budget, Workload


def budget_findings(
    budgets: Iterable[Budget], workload: Workload, floors: Iterable[int]
) -> Iterator[Finding]:
    """What the budgets of a workload's Pods forbid, at each of these floors.

    A budget never keeps replicas from being added; it is what a node's drain, and so a larger or a
    mended node, waits for.
    """
    labels = workload.spec.template.metadata.labels or {}
    ours = [
        each
        for each in budgets
        if each.metadata.namespace == workload.metadata.namespace
        and selects(each.spec.selector, labels)
    ]
    if len(ours) > 1:
        names = ", ".join(sorted(each.metadata.name for each in ours))
        yield Finding(
            code="budget",
            short=False,
            message=f"{len(ours)} PodDisruptionBudgets select its Pods ({names}):"
            " every eviction is refused",
            mend="leave one of them",
        )
    for each in ours:
        stuck = [floor for floor in dict.fromkeys(floors) if _allowed(each, floor) <= 0]
        if stuck:
            at = " and ".join(map(str, stuck))
            yield Finding(
                code="budget",
                short=False,
                message=f"PodDisruptionBudget {each.metadata.name} ({_said(each)}) lets no Pod go"
                f" at a floor of {at}: no node with one of them can be drained",
                mend="let at least one be unavailable, as maxUnavailable: 10%",
            )


def _allowed(budget: Budget, replicas: int) -> int:
    spec = budget.spec
    if spec.max_unavailable is not None:
        return _scaled(spec.max_unavailable, replicas)
    if spec.min_available is not None:
        return replicas - _scaled(spec.min_available, replicas)
    return replicas


def _scaled(value: int | str, replicas: int) -> int:
    """A number, or a percentage rounded up, as the disruption controller does."""
    if isinstance(value, int):
        return value
    try:
        return -(-replicas * int(value.removesuffix("%")) // 100)
    except ValueError:
        return 0


def _said(budget: Budget) -> str:
    spec = budget.spec
    if spec.max_unavailable is not None:
        return f"maxUnavailable {spec.max_unavailable}"
    return f"minAvailable {spec.min_available}"
