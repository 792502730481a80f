"""What is read of the objects of a cluster: their fields as Kubernetes names them, no others.

Decoding straight into these keeps a list of ten thousand Pods small.
"""

from typing import Any

import msgspec

Labels = dict[str, str]
Quantities = dict[str, str]


class Shape(msgspec.Struct, frozen=True, rename="camel"):
    """Part of an object of the API."""


class Meta(Shape, frozen=True, rename="camel"):
    """`ObjectMeta`."""

    name: str = ""
    namespace: str = ""
    labels: Labels | None = None
    deletion_timestamp: str | None = None


class Requirement(Shape, frozen=True, rename="camel"):
    """An expression of a label or node selector; ``values`` is empty for Exists."""

    key: str
    operator: str
    values: list[str] | None = None


class Selector(Shape, frozen=True, rename="camel"):
    """`LabelSelector`; empty selects everything."""

    match_labels: Labels | None = None
    match_expressions: list[Requirement] | None = None


class Resources(Shape, frozen=True, rename="camel"):
    """`ResourceRequirements`."""

    requests: Quantities | None = None
    limits: Quantities | None = None


class Port(Shape, frozen=True, rename="camel"):
    """`ContainerPort`."""

    host_port: int | None = None


class Container(Shape, frozen=True, rename="camel"):
    """A container; ``restart_policy`` Always makes an init container a sidecar."""

    name: str = ""
    resources: Resources = Resources()
    restart_policy: str | None = None
    ports: list[Port] | None = None


class Toleration(Shape, frozen=True, rename="camel"):
    """`Toleration`; an empty key with Exists tolerates everything."""

    key: str = ""
    operator: str = ""
    value: str = ""
    effect: str = ""


class NodeTerm(Shape, frozen=True, rename="camel"):
    """`NodeSelectorTerm`: all of both lists must hold."""

    match_expressions: list[Requirement] | None = None
    match_fields: list[Requirement] | None = None


class NodeTerms(Shape, frozen=True, rename="camel"):
    """`NodeSelector`: one of the terms must hold."""

    node_selector_terms: list[NodeTerm] | None = None


class NodeAffinity(Shape, frozen=True, rename="camel"):
    """`NodeAffinity`; what is merely preferred never keeps a Pod from a node."""

    required: NodeTerms | None = msgspec.field(
        default=None, name="requiredDuringSchedulingIgnoredDuringExecution"
    )


class PodTerm(Shape, frozen=True, rename="camel"):
    """`PodAffinityTerm`."""

    topology_key: str = ""
    label_selector: Selector | None = None
    namespaces: list[str] | None = None
    namespace_selector: Selector | None = None


class PodAffinity(Shape, frozen=True, rename="camel"):
    """`PodAffinity` and `PodAntiAffinity`."""

    required: list[PodTerm] | None = msgspec.field(
        default=None, name="requiredDuringSchedulingIgnoredDuringExecution"
    )


class Affinity(Shape, frozen=True, rename="camel"):
    """`Affinity`."""

    node_affinity: NodeAffinity | None = None
    pod_affinity: PodAffinity | None = None
    pod_anti_affinity: PodAffinity | None = None


class Spread(Shape, frozen=True, rename="camel"):
    """`TopologySpreadConstraint`."""

    max_skew: int = 1
    topology_key: str = ""
    when_unsatisfiable: str = "DoNotSchedule"
    label_selector: Selector | None = None
    min_domains: int | None = None
    node_affinity_policy: str = "Honor"
    node_taints_policy: str = "Ignore"


class Claim(Shape, frozen=True, rename="camel"):
    """A volume, as far as it is bound to a place."""

    persistent_volume_claim: dict[str, Any] | None = None


class PodSpec(Shape, frozen=True, rename="camel"):
    """`PodSpec`; ``node_name`` is empty while the Pod waits for a node."""

    containers: list[Container] = msgspec.field(default_factory=list)
    init_containers: list[Container] | None = None
    resources: Resources | None = None
    overhead: Quantities | None = None
    node_name: str = ""
    node_selector: Labels | None = None
    affinity: Affinity | None = None
    tolerations: list[Toleration] | None = None
    topology_spread_constraints: list[Spread] | None = None
    priority_class_name: str = ""
    active_deadline_seconds: int | None = None
    runtime_class_name: str | None = None
    scheduler_name: str = ""
    volumes: list[Claim] | None = None


class PodStatus(Shape, frozen=True, rename="camel"):
    """`PodStatus`."""

    phase: str = ""


class Pod(Shape, frozen=True, rename="camel"):
    """A Pod."""

    metadata: Meta
    spec: PodSpec
    status: PodStatus = PodStatus()


class Taint(Shape, frozen=True, rename="camel"):
    """`Taint`."""

    key: str
    effect: str
    value: str = ""


class NodeSpec(Shape, frozen=True, rename="camel"):
    """`NodeSpec`."""

    unschedulable: bool = False
    taints: list[Taint] | None = None


class Condition(Shape, frozen=True, rename="camel"):
    """One condition of a node."""

    type: str
    status: str


class NodeStatus(Shape, frozen=True, rename="camel"):
    """`NodeStatus`."""

    allocatable: Quantities | None = None
    conditions: list[Condition] | None = None


class Node(Shape, frozen=True, rename="camel"):
    """A node."""

    metadata: Meta
    spec: NodeSpec = NodeSpec()
    status: NodeStatus = NodeStatus()


class Template(Shape, frozen=True, rename="camel"):
    """`PodTemplateSpec`."""

    spec: PodSpec
    metadata: Meta = Meta()


class WorkloadSpec(Shape, frozen=True, rename="camel"):
    """What the specs of Deployment, StatefulSet and ReplicaSet have in common."""

    selector: Selector
    template: Template
    replicas: int = 1


class WorkloadStatus(Shape, frozen=True, rename="camel"):
    """Their status."""

    ready_replicas: int = 0


class Workload(Shape, frozen=True, rename="camel"):
    """A Deployment, StatefulSet or ReplicaSet."""

    metadata: Meta
    spec: WorkloadSpec
    status: WorkloadStatus = WorkloadStatus()


class ScopeRequirement(Shape, frozen=True, rename="camel"):
    """One requirement of a quota's scope selector."""

    scope_name: str
    operator: str
    values: list[str] | None = None


class ScopeSelector(Shape, frozen=True, rename="camel"):
    """All requirements must hold."""

    match_expressions: list[ScopeRequirement] | None = None


class QuotaSpec(Shape, frozen=True, rename="camel"):
    """`ResourceQuotaSpec`."""

    hard: Quantities | None = None
    scopes: list[str] | None = None
    scope_selector: ScopeSelector | None = None


class QuotaStatus(Shape, frozen=True, rename="camel"):
    """`ResourceQuotaStatus`."""

    used: Quantities | None = None


class Quota(Shape, frozen=True, rename="camel"):
    """A ResourceQuota."""

    metadata: Meta
    spec: QuotaSpec = QuotaSpec()
    status: QuotaStatus = QuotaStatus()


class Limit(Shape, frozen=True, rename="camel"):
    """`LimitRangeItem`."""

    type: str
    max: Quantities | None = None
    min: Quantities | None = None
    default: Quantities | None = None
    default_request: Quantities | None = None


class LimitRangeSpec(Shape, frozen=True, rename="camel"):
    """`LimitRangeSpec`."""

    limits: list[Limit] = msgspec.field(default_factory=list)


class LimitRange(Shape, frozen=True, rename="camel"):
    """A LimitRange."""

    metadata: Meta
    spec: LimitRangeSpec = LimitRangeSpec()


class BudgetSpec(Shape, frozen=True, rename="camel"):
    """`PodDisruptionBudgetSpec`; a number, or a percentage as text."""

    selector: Selector | None = None
    min_available: int | str | None = None
    max_unavailable: int | str | None = None


class Budget(Shape, frozen=True, rename="camel"):
    """A PodDisruptionBudget."""

    metadata: Meta
    spec: BudgetSpec = BudgetSpec()


class Holdings(msgspec.Struct, frozen=True, kw_only=True):
    """What a cluster has, and what is in it already. Pods that ended are left out.

    ``workloads`` by (namespace, kind, name).
    """

    nodes: tuple[Node, ...] = ()
    pods: tuple[Pod, ...] = ()
    workloads: dict[tuple[str, str, str], Workload] = msgspec.field(default_factory=dict)
    quotas: tuple[Quota, ...] = ()
    limit_ranges: tuple[LimitRange, ...] = ()
    budgets: tuple[Budget, ...] = ()
