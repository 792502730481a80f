"""The targets of a cluster, for a person's act: one of them or all, read and brought to a floor."""

from collections.abc import Mapping

import msgspec

from gate.cluster.scaling.values import HPA, SCALED_OBJECT, Kind, Range, Target
from gate.core.problems import Problem
from gate.service.keeper.kube import named_client
from gate.service.scaling.cluster import WIDTH, Listing, Scalers


class Chosen(Scalers):
    """The autoscalers of a cluster, of which ``only`` one name may be the matter.

    Methods raise `gate.service.keeper.kube.ClusterUnavailable`.
    """

    only: str | None = None

    @classmethod
    def named(cls, kubeconfig: str | None, environ: Mapping[str, str]) -> "Chosen":
        """By ``--kubeconfig``, else KUBECONFIG, else from inside a cluster; nothing is asked yet.

        InputError where no cluster is named, or a file that is none.
        """
        return cls(named_client(kubeconfig, environ, connections=WIDTH))

    def targets(self, namespace: str | None = None) -> Listing:
        """The labelled ones, or those of the one name."""
        listing = super().targets(namespace)
        if self.only is None:
            return listing
        chosen = tuple(target for target in listing.targets if target.name == self.only)
        return msgspec.structs.replace(listing, targets=chosen)

    def missing(self, namespace: str, name: str) -> Problem:
        """Why there is no such target: it is not labelled, is KEDA's, or does not exist."""
        for kind in (SCALED_OBJECT, HPA):
            found = self.read(_named(namespace, name, kind))
            if found is None:
                continue
            if found.owner is not None:
                return Problem(
                    field="target",
                    message=f"{namespace}/{name} is made by {found.owner}",
                    mend=f"name {namespace}/{found.owner.name}, and label that",
                )
            return Problem(
                field="target",
                message=f"{kind} {namespace}/{name} does not carry the label of pre-scaling",
                mend=f"kubectl -n {namespace} label {kind.lower()} {name}"
                " saturday-gate.io/prescale=true",
            )
        return Problem(
            field="target",
            message=f"there is no autoscaler {namespace}/{name}",
            mend="`kubectl get hpa -A -l saturday-gate.io/prescale=true` shows those there are",
        )


def _named(namespace: str, name: str, kind: Kind) -> Target:
    """A target of which nothing but its name is known."""
    return Target(
        namespace=namespace, name=name, kind=kind, uid="", resource_version="", now=Range(0, 0)
    )
