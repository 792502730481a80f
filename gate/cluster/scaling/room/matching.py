"""Label selectors, node selectors and tolerations, as Kubernetes matches them."""

from collections.abc import Callable, Iterable, Mapping

from gate.cluster.scaling.room.shapes import (
    Node,
    NodeTerm,
    PodSpec,
    Requirement,
    Selector,
    Taint,
    Toleration,
)

_KEEPING_OUT = frozenset({"NoSchedule", "NoExecute"})
_OPERATORS: dict[str, Callable[[str | None, list[str]], bool]] = {
    "In": lambda value, values: value in values,
    "NotIn": lambda value, values: value not in values,
    "Exists": lambda value, _: value is not None,
    "DoesNotExist": lambda value, _: value is None,
    "Gt": lambda value, values: _compared(value, values, 1),
    "Lt": lambda value, values: _compared(value, values, -1),
}


def selects(selector: Selector | None, labels: Mapping[str, str]) -> bool:
    """Whether a label selector matches; none at all matches nothing, an empty one everything."""
    if selector is None:
        return False
    wanted = (selector.match_labels or {}).items()
    return all(labels.get(key) == value for key, value in wanted) and _all_hold(
        selector.match_expressions, labels
    )


def fits_selectors(spec: PodSpec, node: Node) -> bool:
    """Whether a Pod's node selector and required node affinity let it onto a node."""
    labels = node.metadata.labels or {}
    if any(labels.get(key) != value for key, value in (spec.node_selector or {}).items()):
        return False
    affinity = spec.affinity.node_affinity if spec.affinity else None
    if affinity is None or affinity.required is None:
        return True
    return any(_term(term, node) for term in affinity.required.node_selector_terms or ())


def untolerated(spec: PodSpec, node: Node) -> Taint | None:
    """The first taint that keeps a Pod off a node; None where all are tolerated."""
    tolerations = spec.tolerations or ()
    for taint in node.spec.taints or ():
        if taint.effect in _KEEPING_OUT and not any(_tolerates(t, taint) for t in tolerations):
            return taint
    return None


def _term(term: NodeTerm, node: Node) -> bool:
    """An empty term matches nothing."""
    if not term.match_expressions and not term.match_fields:
        return False
    fields = {"metadata.name": node.metadata.name}
    return _all_hold(term.match_expressions, node.metadata.labels or {}) and _all_hold(
        term.match_fields, fields
    )


def _all_hold(requirements: Iterable[Requirement] | None, labels: Mapping[str, str]) -> bool:
    return all(
        _OPERATORS[each.operator](labels.get(each.key), each.values or [])
        if each.operator in _OPERATORS
        else False
        for each in requirements or ()
    )


def _compared(value: str | None, values: list[str], sign: int) -> bool:
    try:
        return value is not None and (int(value) - int(values[0])) * sign > 0
    except (ValueError, IndexError):
        return False


def _tolerates(toleration: Toleration, taint: Taint) -> bool:
    if toleration.effect and toleration.effect != taint.effect:
        return False
    if toleration.operator == "Exists":
        return not toleration.key or toleration.key == taint.key
    return toleration.key == taint.key and toleration.value == taint.value
