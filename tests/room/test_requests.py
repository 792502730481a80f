"""What a Pod asks for: containers, sidecars, init containers, overhead, limit ranges."""

from typing import Any

import pytest

from gate.cluster.scaling.room.requests import asked, limits_of, refused
from gate.cluster.scaling.room.shapes import PodSpec
from tests.room import build


def spec(**fields: Any) -> PodSpec:
    return build.shaped(PodSpec, {"containers": [], **fields})


def container(cpu: str | None = None, limit: str | None = None, **more: Any) -> dict[str, Any]:
    resources: dict[str, Any] = {}
    if cpu is not None:
        resources["requests"] = {"cpu": cpu}
    if limit is not None:
        resources["limits"] = {"cpu": limit}
    return {"name": "c", "resources": resources, **more}


@pytest.mark.parametrize(
    ("fields", "cpu"),
    [
        ({"containers": [container("1"), container("500m")]}, 1500),
        ({"containers": [container("1")], "initContainers": [container("3")]}, 3000),
        ({"containers": [container("2")], "initContainers": [container("1")]}, 2000),
        # A sidecar runs beside the containers, and beside the init containers after it.
        ({"containers": [container("1")],
          "initContainers": [container("1", restartPolicy="Always"), container("3")]}, 4000),
        ({"containers": [container("1")],
          "initContainers": [container("3"), container("1", restartPolicy="Always")]}, 3000),
        ({"containers": [container("1")], "overhead": {"cpu": "250m"}}, 1250),
        ({"containers": [container(limit="2")]}, 2000),
        ({"containers": [container("1", limit="2")]}, 1000),
        ({"containers": [container("1")], "resources": {"requests": {"cpu": "5"}}}, 5000),
        ({"containers": [container("1")], "resources": {"limits": {"cpu": "6"}}}, 6000),
        ({"containers": [container()]}, 0),
    ],
)  # fmt: skip
def test_requests_are_counted_as_the_scheduler_does(fields: dict[str, Any], cpu: int) -> None:
    assert asked(spec(**fields)).requests.get("cpu", 0) == cpu


def test_a_limit_range_fills_in_what_is_not_said() -> None:
    item = {"type": "Container", "default": {"cpu": "2"}, "defaultRequest": {"cpu": "300m"}}
    found = limits_of([build.limits(item)], "wed")
    assert asked(spec(containers=[container()]), found).requests["cpu"] == 300
    assert asked(spec(containers=[container()]), found).limits["cpu"] == 2000
    assert asked(spec(containers=[container("1")]), found).requests["cpu"] == 1000
    # Its own limit is a request before the default is.
    assert asked(spec(containers=[container(limit="1")]), found).requests["cpu"] == 1000
    assert limits_of([build.limits(item)], "other") == []


def test_a_default_limit_below_the_request_refuses_the_pod() -> None:
    item = {"type": "Container", "default": {"cpu": "50m"}}
    found = limits_of([build.limits(item)], "wed")
    said = refused(spec(containers=[container("1")]), found)
    assert said == "container c asks for more cpu than the limit it gets"
    assert refused(spec(containers=[container("1", limit="2")]), found) is None


def test_a_request_above_the_maximum_is_refused_whatever_the_limit() -> None:
    item = {"type": "Container", "max": {"cpu": "500m"}}
    found = limits_of([build.limits(item)], "wed")
    assert "more cpu" in (refused(spec(containers=[container("1")]), found) or "")


@pytest.mark.parametrize(
    ("item", "said"),
    [
        ({"type": "Container", "max": {"cpu": "500m"}}, "more cpu than 500m"),
        ({"type": "Container", "min": {"cpu": "2"}}, "less cpu than 2"),
        ({"type": "Container", "max": {"memory": "1Gi"}}, "no limit of memory"),
        ({"type": "Pod", "max": {"cpu": "1"}}, "the Pod asks for more cpu than 1"),
        ({"type": "PersistentVolumeClaim", "max": {"storage": "1Gi"}}, None),
        ({"type": "Container", "max": {"cpu": "2"}, "min": {"cpu": "100m"}}, None),
    ],
)
def test_a_limit_range_refuses_what_is_out_of_its_range(
    item: dict[str, Any], said: str | None
) -> None:
    two = spec(containers=[container("1", limit="1"), container("1", limit="1")])
    found = refused(two, limits_of([build.limits(item)], "wed"))
    assert found is None if said is None else said in (found or "")
