"""The kinds of object whose changes the table tells apart, by their exact group and version."""

from enum import StrEnum

from gate.cluster.review import Review


class Kind(StrEnum):
    """A kind that is understood. ``Scale`` is that of Deployments and StatefulSets only."""

    DEPLOYMENT = "Deployment"
    STATEFUL_SET = "StatefulSet"
    DAEMON_SET = "DaemonSet"
    AUTOSCALER = "HorizontalPodAutoscaler"
    CONFIG_MAP = "ConfigMap"
    SECRET = "Secret"  # noqa: S105  a kind of object
    SERVICE = "Service"
    INGRESS = "Ingress"
    SCALE = "Scale"


WORKLOADS = frozenset({Kind.DEPLOYMENT, Kind.STATEFUL_SET, Kind.DAEMON_SET})
"""What has a pod template."""

STATE_KINDS = frozenset({Kind.CONFIG_MAP, Kind.SECRET})
"""What may hold a running system's own state."""

_KINDS = {
    ("apps", "v1", "Deployment"): Kind.DEPLOYMENT,
    ("apps", "v1", "StatefulSet"): Kind.STATEFUL_SET,
    ("apps", "v1", "DaemonSet"): Kind.DAEMON_SET,
    ("autoscaling", "v1", "HorizontalPodAutoscaler"): Kind.AUTOSCALER,
    ("autoscaling", "v2", "HorizontalPodAutoscaler"): Kind.AUTOSCALER,
    ("", "v1", "ConfigMap"): Kind.CONFIG_MAP,
    ("", "v1", "Secret"): Kind.SECRET,
    ("", "v1", "Service"): Kind.SERVICE,
    ("networking.k8s.io", "v1", "Ingress"): Kind.INGRESS,
}
_SCALED = frozenset({("apps", "v1", "deployments"), ("apps", "v1", "statefulsets")})
_SCALE = ("autoscaling", "v1", "Scale")


def kind_of(review: Review) -> Kind | None:
    """The kind that a request is about, None for one that is not understood.

    A status is a part of the object itself; of the other subresources only ``scale`` is known.
    """
    of, at = review.kind, review.resource
    kind = (of.group, of.version, of.kind)
    if not review.sub_resource or review.sub_resource == "status":
        return _KINDS.get(kind)
    scaled = review.sub_resource == "scale" and (at.group, at.version, at.resource) in _SCALED
    return Kind.SCALE if scaled and kind == _SCALE else None
