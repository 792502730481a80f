"""Who puts floors back, and what to tell them to leave alone."""

import msgspec

from gate.cluster.scaling.reading import FIELDS
from gate.cluster.scaling.values import MOST_AGAIN, RAISED, Raised, Step

REVERSALS = MOST_AGAIN
"""So often a value has to be put back before it is more than somebody's one change."""
_GROUPS = {"HorizontalPodAutoscaler": "autoscaling", "ScaledObject": "keda.sh"}


class Reversed(msgspec.Struct, frozen=True, kw_only=True):
    """A floor that others keep putting back: who, as ``managedFields`` names them."""

    manager: str
    times: int
    mend: str


def reversals(step: Step) -> Reversed | None:
    """Who has put the floor of a target back as often as `REVERSALS`; None where nobody has."""
    target = step.target
    raised = target.raised
    notes = {} if step.patch is None else step.patch["metadata"].get("annotations") or {}
    if notes.get(RAISED):
        raised = msgspec.json.decode(notes[RAISED], type=Raised)
    if raised is None or raised.again < REVERSALS or step.released:
        return None
    times = raised.again + int(step.error is not None and target.error is None)
    named = dict.fromkeys(target.managers[field] for field in FIELDS[target.kind]
                          if field in target.managers)  # fmt: skip
    manager = " and ".join(named) or "unknown"
    return Reversed(manager=manager, times=times, mend=_mend(step, manager))


def _mend(step: Step, manager: str) -> str:
    kind, names = step.target.kind, FIELDS[step.target.kind].values()
    paths = [f"/spec/{name}" for name in names]
    if "argocd" in manager:
        return _argo(step, paths)
    if manager == "helm-controller":
        return "\n".join(
            [
                "# spec of the HelmRelease:",
                "driftDetection:",
                "  ignore:",
                f"    - paths: [{', '.join(paths)}]",
                f"      target: {{kind: {kind}, name: {step.target.name}}}",
            ]
        )
    if manager == "kustomize-controller":
        return (
            f"leave {' and '.join(names)} out of the manifest that Flux applies"
            f" (ignoreDifferences of Argo CD has no equal there), or annotate the {kind} with"
            " kustomize.toolkit.fluxcd.io/ssa: IfNotPresent"
        )
    return (
        f"have {manager} leave {' and '.join(names)} of {kind} {step.target} alone; with Argo CD:\n"
        f"{_argo(step, paths)}"
    )


def _argo(step: Step, paths: list[str]) -> str:
    target = step.target
    return "\n".join(
        [
            "# spec of the Application:",
            "ignoreDifferences:",
            f"  - group: {_GROUPS[target.kind]}",
            f"    kind: {target.kind}",
            f"    namespace: {target.namespace}",
            f"    name: {target.name}",
            f"    jsonPointers: [{', '.join(paths)}]",
            "syncPolicy:",
            "  syncOptions: [RespectIgnoreDifferences=true]",
        ]
    )
