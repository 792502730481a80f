"""A user who may do just so much."""

import contextlib
from collections.abc import Iterator
from typing import Any

from tests.controlplane.plane import ControlPlane

_RBAC = "/apis/rbac.authorization.k8s.io/v1"
_GROUP = "rbac.authorization.k8s.io"


@contextlib.contextmanager
def granted(plane: ControlPlane, name: str, *rules: dict[str, Any]) -> Iterator[str]:
    """The kubeconfig of a user with these rights in the whole cluster, and no others.

    ``name`` must be nobody else's. The last right of the last rule is waited for: rights are in
    force a moment after they are granted.
    """
    role = {"metadata": {"name": name}, "rules": list(rules)}
    plane.request("POST", f"{_RBAC}/clusterroles", role).ok()
    plane.request("POST", f"{_RBAC}/clusterrolebindings", {
        "metadata": {"name": name},
        "roleRef": {"apiGroup": _GROUP, "kind": "ClusterRole", "name": name},
        "subjects": [{"kind": "User", "name": name, "apiGroup": _GROUP}],
    }).ok()  # fmt: skip
    groups = [f"{name}-group"]
    last = rules[-1]
    what = last["resources"][-1] + (f".{last['apiGroups'][-1]}" if last["apiGroups"][-1] else "")
    named = last.get("resourceNames", [""])[-1]
    asked = f"{what}/{named}" if named else what
    try:
        plane.wait_for(
            "the rights are in force",
            lambda: (
                plane.kubectl(
                    "auth", "can-i", last["verbs"][-1], asked, "--all-namespaces",
                    user=name, groups=groups,
                ).stdout.strip() == "yes"
            ),
        )  # fmt: skip
        yield str(plane.kubeconfig(name, groups))
    finally:
        for kind in ("clusterrolebindings", "clusterroles"):
            plane.request("DELETE", f"{_RBAC}/{kind}/{name}")
