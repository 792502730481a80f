"""A lab whose clock the test sets: the only Lease of an API server there is the test's own."""

from datetime import UTC, datetime
from typing import Any

from tests.cluster.fallback.lab import APPLY, LEASES, Lab
from tests.controlplane.plane import ControlPlane

IDENTITY = {"apiserver.kubernetes.io/identity": "kube-apiserver"}


def lease(name: str, renewed: datetime | None, namespace: str = "kube-system") -> dict[str, Any]:
    """A Lease as an API server writes it."""
    spec: dict[str, Any] = {"holderIdentity": name, "leaseDurationSeconds": 3600}
    if renewed is not None:
        spec["renewTime"] = renewed.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": name, "namespace": namespace, "labels": IDENTITY},
        "spec": spec,
    }


class Clock(Lab):
    """An API server that believes a Lease of ours."""

    def __init__(self, plane: ControlPlane) -> None:
        super().__init__(plane)
        self.set(datetime.now(UTC))

    def set(self, now: datetime, name: str = "clock") -> None:
        """Set a Lease, by default the only one, and wait until the API server reads it."""
        body = lease(name, now)
        path = f"{LEASES.format('kube-system')}/{name}"
        self.patch(path, body, APPLY, query="fieldManager=t&force=true").ok()
        if self._sign:
            # Of several Leases it tells one at a time, now this one, now that.
            reading = body["spec"]["renewTime"]
            self.plane.wait_for(f"it is {reading}", lambda: reading in self.sentinel())
