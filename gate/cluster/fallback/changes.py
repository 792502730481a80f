"""CEL for what a change is, and for which of its actions the policy denies while it is locked.

A rollback counts as a deploy: no expression knows earlier revisions. Changes of other fields of the
spec are configuration, which is the webhook's to judge.
"""

from collections.abc import Iterator, Mapping

from gate.cluster.fallback.cel import FALSE, TRUE, both, literal
from gate.cluster.fallback.rules import JUDGED
from gate.cluster.templates import RESTARTED_AT
from gate.core.policy import Action, ByInvoker, Cells

Variable = tuple[str, str]
"""A name and an expression; expressions may use the variables before them."""

CHANGES_SPEC = (
    "request.operation != 'UPDATE' || !has(object.spec) || !has(oldObject.spec)"
    " || object.spec != oldObject.spec"
)
"""Whether more than metadata and status differs."""

_ACTIONS: Mapping[Action, str] = {
    Action.DEPLOY: "variables.deploys",
    Action.RESTART: "variables.restarts",
    Action.SCALE_DOWN: "variables.replicas < variables.replicasBefore",
    Action.SCALE_UP: "variables.replicas > variables.replicasBefore",
}


def change_variables() -> Iterator[Variable]:
    """What the request does to the object."""
    yield "name", "has(request.name) ? request.name : ''"
    yield "scales", "has(request.subResource) && request.subResource == 'scale'"
    yield "updates", "request.operation == 'UPDATE'"
    # A Scale of no replicas has no such field.
    yield "replicas", _replicas("object")
    yield "replicasBefore", _replicas("oldObject")
    yield "template", _template("object")
    yield "templateBefore", _template("oldObject")
    yield "retemplates", "variables.updates && variables.template != variables.templateBefore"
    for suffix in ("", "Before"):
        yield f"metadata{suffix}", _part(f"variables.template{suffix}", "metadata")
        yield f"annotations{suffix}", _part(f"variables.metadata{suffix}", "annotations")
    yield (
        "restarts",
        both(
            (
                "variables.retemplates",
                _same("variables.template", "'metadata'"),
                _same("variables.metadata", "'annotations'"),
                _same("variables.annotations", literal(RESTARTED_AT)),
            )
        ),
    )
    yield (
        "deploys",
        ("variables.updates ? variables.retemplates && !variables.restarts : !variables.scales"),
    )


def denied(cells: Mapping[Action, Cells]) -> str:
    """The actions of the change that the policy denies this invoker while locked, as texts."""
    terms = []
    for action in JUDGED:
        test = both((_ACTIONS[action], _denies(cells[action].locked)))
        if test != FALSE:
            terms.append(f"({test} ? [{literal(action)}] : [])")
    return " + ".join(terms) or "[]"


def _denies(cell: ByInvoker) -> str:
    if cell.human == cell.automation:
        return TRUE if cell.human == "deny" else FALSE
    return "variables.human" if cell.human == "deny" else "!variables.human"


def _replicas(which: str) -> str:
    return f"variables.updates && has({which}.spec.replicas) ? int({which}.spec.replicas) : 0"


def _template(which: str) -> str:
    return f"variables.updates && has({which}.spec.template) ? {which}.spec.template : dyn({{}})"


def _part(whole: str, name: str) -> str:
    return f"has({whole}.{name}) ? {whole}.{name} : dyn({{}})"


def _same(mapping: str, but: str) -> str:
    """Whether two mappings agree in everything but one key."""
    before = f"{mapping}Before"
    kept = f"{mapping}.all(k, k == {but} || (k in {before} && {mapping}[k] == {before}[k]))"
    lost = f"{before}.all(k, k == {but} || k in {mapping})"
    return f"{kept} && {lost}"
