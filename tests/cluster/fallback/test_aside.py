"""Standing aside for the webhook, and people who open a namespace: only until then, and only with
an instant.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.cluster.fallback.lab import HOUR, Lab, inside, workload

pytestmark = pytest.mark.xdist_group("fallback")

STANDBY = "saturday-gate.io/standby-until"
OVERRIDE = "saturday-gate.io/override-until"
NOT_INSTANTS = (
    "",
    "yes",
    "true",
    "9999",
    "{year}-12-31",
    "{year}-12-31T00:00:00",
    "{year}-12-31 00:00:00Z",
    "{year}-02-30T00:00:00Z",
    "{year}-13-01T00:00:00Z",
    "{year}-12-31T24:00:00Z",
    "{year}-12-31T23:59:60Z",
    "{year}-12-31T23:59:59Z ",
    " {year}-12-31T23:59:59Z",
    "{year}-12-31T23:59:59Z\n",
    "{year}-12-31T23:59:59+1:00",
    "{year}-12-31T23:59:59+24:00",
    "9999-12-31T23:59:59Z",
    "10000-01-01T00:00:00Z",
    "+{year}-12-31T23:59:59Z",
    "-5",
)


@pytest.fixture(scope="module")
def namespace(lab: Lab) -> Iterator[str]:
    with lab.namespace(workload()) as name:
        lab.install(inside())
        yield name


def text(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


def passes(lab: Lab, namespace: str) -> bool:
    answer = lab.create(namespace, workload("Deployment", "other"), dry=True)
    assert answer.status in {201, 403}, answer.body
    return answer.status == 201


@pytest.mark.parametrize("key", [STANDBY, OVERRIDE])
def test_an_instant_ahead_opens(lab: Lab, namespace: str, key: str) -> None:
    ahead = datetime.now(UTC) + HOUR
    for value in (
        text(ahead),
        (ahead + 5 * HOUR).strftime("%Y-%m-%dT%H:%M:%S.123456+05:00"),
        text(ahead).lower(),
    ):
        lab.annotate(namespace, {key: value})
        assert passes(lab, namespace), value
    delete = lab.objects(namespace, {"kind": "Deployment"}, name="web", dry=True)
    assert lab.plane.request("DELETE", delete).status == 200
    lab.annotate(namespace, {key: None})
    assert not passes(lab, namespace)


@pytest.mark.parametrize("key", [STANDBY, OVERRIDE])
def test_one_behind_does_not(lab: Lab, namespace: str, key: str) -> None:
    behind = datetime.now(UTC) - HOUR
    for value in (text(behind), (behind - 5 * HOUR).strftime("%Y-%m-%dT%H:%M:%S-05:00")):
        lab.annotate(namespace, {key: value})
        assert not passes(lab, namespace), value
    lab.annotate(namespace, {key: None})


def test_what_is_no_instant_opens_nothing(lab: Lab, namespace: str) -> None:
    year = datetime.now(UTC).year + 1
    for value in NOT_INSTANTS:
        lab.annotate(namespace, {STANDBY: value.format(year=year), OVERRIDE: value})
        answer = lab.create(namespace, workload("Deployment", "other"), dry=True)
        assert answer.status == 403, value
        assert "is locked until" in answer.body["message"], value
    lab.annotate(namespace, {STANDBY: None, OVERRIDE: None})


def test_each_annotation_opens_alone_and_only_its_namespace(lab: Lab, namespace: str) -> None:
    with lab.namespace(workload()) as other:
        lab.annotate(namespace, {STANDBY: "nonsense", OVERRIDE: text(datetime.now(UTC) + HOUR)})
        assert passes(lab, namespace)
        assert not passes(lab, other)
    lab.annotate(namespace, {STANDBY: None, OVERRIDE: None})


def test_other_annotations_open_nothing(lab: Lab, namespace: str) -> None:
    lab.annotate(namespace, {"standby-until": text(datetime.now(UTC) + HOUR)})
    assert not passes(lab, namespace)
    with_note = workload("Deployment", "other")
    with_note["metadata"]["annotations"] = {OVERRIDE: text(datetime.now(UTC) + HOUR)}
    assert lab.create(namespace, with_note, dry=True).status == 403


def test_standing_aside_ends_by_itself(lab: Lab, namespace: str) -> None:
    """By the API server's own clock, which lags ten seconds or so at most."""
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=2)
    lab.annotate(namespace, {STANDBY: text(until)})
    assert passes(lab, namespace)
    lab.plane.wait_for("the lock holds again", lambda: not passes(lab, namespace), seconds=20)
    lag = datetime.now(UTC) - until
    assert timedelta(0) <= lag < timedelta(seconds=15)
    lab.annotate(namespace, {STANDBY: None})
