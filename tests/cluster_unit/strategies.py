"""Random reviews: changes that people make, and objects that nobody would."""

import copy
from typing import Any

from hypothesis import strategies as st

from tests.cluster_unit.build import (
    KINDS,
    OWNER,
    Json,
    envelope,
    named,
    scale,
    scale_envelope,
    thing,
)

Past = list[tuple[str, Json]]
"""Pod templates that there were: the uid of the owner, and the template."""

_TELLING: list[Any] = [None, False, True, 1.0, 3.0, 2.5, "", "a"]
SCALARS = st.integers(-3, 70) | st.sampled_from(_TELLING)
ANY_JSON: st.SearchStrategy[Any] = st.recursive(
    SCALARS | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)
KIND_NAMES = st.sampled_from(sorted(KINDS))
INVOKERS = st.sampled_from(["human", "automation"])

_LABELS = st.dictionaries(
    st.sampled_from(["app", "pod-template-hash", "tier"]), st.sampled_from(["a", "b"]), max_size=2
)
_RUNTIME = st.dictionaries(st.just("saturday-gate.io/runtime"), st.sampled_from(["true", "x"]))
_ANNOTATIONS = st.dictionaries(
    st.sampled_from(["kubectl.kubernetes.io/restartedAt", "other"]),
    st.sampled_from(["1", "2"]),
    max_size=2,
)
_METADATA = {"labels": _LABELS, "annotations": _ANNOTATIONS}
_NUMBERS: st.SearchStrategy[Any] = st.sampled_from([1, 1.0, True, 2])


@st.composite
def templates(draw: st.DrawFn) -> Json:
    """Pod templates, few enough that some come again."""
    metadata: Json = draw(st.fixed_dictionaries({}, optional=_METADATA))
    containers = [{"name": "web", "image": draw(st.sampled_from(["x:1", "x:2"]))}]
    spec = {"containers": containers, "n": draw(_NUMBERS)}
    return {"spec": spec, "metadata": metadata} if metadata else {"spec": spec}


_TEMPLATES = templates()
PASTS = st.lists(st.tuples(st.sampled_from([OWNER, "another"]), _TEMPLATES), max_size=2)
_FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "replicas": st.sampled_from([0, 1, 2, 3, 3.0, None]),
    "template": _TEMPLATES,
    "minReplicas": st.sampled_from([1, 5, 10, 12, None]),
    "maxReplicas": st.sampled_from([5, 9, 10, 11, 50, 50.0]),
    "paused": st.booleans(),
    "metrics": st.lists(st.integers(0, 2), max_size=2),
}


@st.composite
def objects(draw: st.DrawFn, kind: str) -> Json:
    """Objects of a kind, alike enough that two of them differ in a few places."""
    found = copy.deepcopy(thing(kind))
    found["metadata"] |= {"labels": draw(_RUNTIME), "generation": draw(st.integers(1, 2))}
    for name in draw(st.lists(st.sampled_from(sorted(_FIELDS)), max_size=3, unique=True)):
        found.setdefault("spec", {})[name] = draw(_FIELDS[name])
    if draw(st.booleans()):
        found["status"] = {"replicas": draw(st.integers(0, 2))}
    if kind in ("ConfigMap", "Secret") and draw(st.booleans()):
        found["data"] = {"a": draw(st.sampled_from(["1", "2"]))}
    if kind == "Secret":
        types = ["Opaque", "kubernetes.io/tls", "kubernetes.io/service-account-token"]
        found["type"] = draw(st.sampled_from(types))
    return found


@st.composite
def edited(draw: st.DrawFn, old: Json) -> Json:
    """The object after a few edits, as people make them."""
    new, other = copy.deepcopy(old), draw(objects(old["kind"]))
    for name in draw(st.lists(st.sampled_from(["spec", "data", "type", "status"]), max_size=1)):
        new |= {name: other[name]} if name in other else {}
    spec = new.get("spec", {})
    for name in draw(st.lists(st.sampled_from(sorted(_FIELDS)), max_size=2, unique=True)):
        spec[name] = draw(_FIELDS[name])
    if "template" in spec and draw(st.booleans()):
        metadata = spec["template"].setdefault("metadata", {})
        metadata["annotations"] = metadata.get("annotations", {}) | draw(_ANNOTATIONS)
    return new


@st.composite
def likely_reviews(draw: st.DrawFn) -> Json:
    """Reviews as an API server could send them."""
    kind = draw(KIND_NAMES)
    operation = draw(st.sampled_from(["UPDATE"] * 6 + ["CREATE", "DELETE"]))
    if draw(st.integers(0, 5)) == 0:
        numbers = st.none() | st.integers(0, 3)
        resource = draw(st.sampled_from(["deployments", "statefulsets", "replicasets"]))
        return scale_envelope(scale(draw(numbers)), scale(draw(numbers)), resource)
    old = draw(objects(kind))
    if operation == "CREATE":
        return envelope(old, None, operation)
    if operation == "DELETE":
        return envelope(None, old, operation)
    new = draw(edited(old))
    return envelope(new, old, operation, kind=named(draw(st.sampled_from([kind, kind, "Service"]))))


@st.composite
def cases(draw: st.DrawFn) -> tuple[Json, Past]:
    """Reviews, and templates of the past, often that of the review itself."""
    review, past = draw(likely_reviews()), draw(PASTS)
    for name in ("object", "oldObject"):
        of = review["request"][name]
        if isinstance(of, dict) and "template" in of.get("spec", {}) and draw(st.booleans()):
            past = [*past, (OWNER, of["spec"]["template"])]
    return review, past


@st.composite
def odd_reviews(draw: st.DrawFn) -> Json:
    """Reviews that nobody would send, with a user, an operation and a uid all the same."""
    review = draw(likely_reviews())
    request = review["request"]
    request["operation"] = draw(st.sampled_from(["UPDATE", "CREATE", "DELETE", "CONNECT"]))
    for name in draw(st.lists(st.sampled_from(sorted(_PLACES)), max_size=3, unique=True)):
        _put(request, _PLACES[name], draw(ANY_JSON))
    return review


_PLACES: dict[str, tuple[str, ...]] = {
    " ".join(path): path
    for path in (
        ("object",),
        ("oldObject",),
        ("object", "metadata"),
        ("oldObject", "metadata"),
        ("oldObject", "metadata", "labels"),
        ("oldObject", "metadata", "uid"),
        ("object", "spec"),
        ("oldObject", "spec"),
        ("object", "spec", "replicas"),
        ("object", "spec", "maxReplicas"),
        ("object", "spec", "template"),
        ("object", "spec", "template", "metadata"),
        ("object", "spec", "template", "metadata", "annotations"),
        ("object", "data"),
        ("object", "type"),
        ("kind",),
        ("resource",),
        ("subResource",),
        ("name",),
        ("namespace",),
        ("dryRun",),
    )
}


def _put(into: Json, path: tuple[str, ...], value: Any) -> None:
    for name in path[:-1]:
        inner = into.get(name)
        if not isinstance(inner, dict):
            return
        into = inner
    into[path[-1]] = value
