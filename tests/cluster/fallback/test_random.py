"""Random policies, calendars and locks, judged by the API server, are judged as the twin says."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from itertools import product
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gate.cluster.fallback.rules import JUDGED
from gate.core.decision import ManualLock, Phase, Request
from gate.core.instants import micros
from tests.cluster.fallback.clock import Clock
from tests.cluster.fallback.lab import MERGE, PROTECTED, acting, workload
from tests.core.build import timeline
from tests.fallback.test_dense import DAY, LOCKS, WINDOWS
from tests.fallback.test_segments import has_fractions
from tests.property.product import Product
from tests.property.strategies import Case, cases, instants

pytestmark = pytest.mark.xdist_group("fallback")

HALF = timedelta(weeks=2)
NAMESPACES = ("wedding-platform", "shop-system", "other", "shop")
NAMES = ("api", "rsvp-worker", "photo1")
USERS = ("alice", "bob@example.com", "system:serviceaccount:ci:deployer", "robot")
IDENTITIES = st.lists(
    st.fixed_dictionaries(
        {"invoker": st.sampled_from(["human", "automation"])},
        optional={"group": st.sampled_from(["system:mast*", "sso:*", "system:masters"])},
    ).flatmap(
        lambda found: st.sampled_from(["*@example.com", "alice", "system:*:deployer", "[!s]*"]).map(
            lambda user: {**found, "user": user}
        )
    ),
    max_size=2,
)


@pytest.fixture(scope="module")
def places(clock: Clock) -> Iterator[Clock]:
    """Protected namespaces with three Deployments each."""
    for namespace in NAMESPACES:
        body = {"metadata": {"name": namespace}, "apiVersion": "v1", "kind": "Namespace"}
        clock.plane.request("POST", "/api/v1/namespaces", body).ok()
        for name in NAMES:
            clock.create(namespace, workload("Deployment", name)).ok()
        clock.annotate(namespace, {}, labels=PROTECTED)
    yield clock
    for namespace in NAMESPACES:
        clock.annotate(namespace, {}, labels=dict.fromkeys(PROTECTED))


def invoker(identities: list[dict[str, str]], user: str) -> str:
    """Who a user is, by the definition; everyone here is of the group system:masters."""
    for identity in identities:
        if fnmatchcase(user, identity.get("user", "*")) and fnmatchcase(
            "system:masters", identity.get("group", "*")
        ):
            return identity["invoker"]
    return "automation" if user.startswith("system:serviceaccount:") else "human"


def tried(clock: Clock, action: str, namespace: str, name: str, user: str) -> int:
    """The status of a change that is only tried."""
    path = clock.objects(namespace, {"kind": "Deployment"}, name=name, dry=True)
    notes = {"kubectl.kubernetes.io/restartedAt": "now"}
    patches: dict[str, Any] = {
        "restart": {"spec": {"template": {"metadata": {"annotations": notes}}}},
        "scale-up": {"spec": {"replicas": 3}},
        "scale-down": {"spec": {"replicas": 1}},
    }
    who = acting(user)
    if action == "deploy":
        return clock.plane.request("DELETE", path, **who).status
    return clock.patch(path, patches[action], MERGE, **who).status


@settings(max_examples=4)
@given(cases(), IDENTITIES, st.data())
def test_the_api_server_says_what_the_twin_says(
    places: Clock, case: Case, identities: list[dict[str, str]], data: st.DataObject
) -> None:
    environment = data.draw(st.sampled_from([None, "production", "staging"]))
    case = case.with_(mode="enforce", identities=identities, exempt=["robot"])
    assume(not has_fractions(case))
    places.install(Product(case).timeline, at=case.noon - HALF, weeks=4, environment=environment)
    for _ in range(2):
        asked = {
            "namespace": data.draw(st.sampled_from(NAMESPACES)),
            "service": data.draw(st.sampled_from(NAMES)),
            **({"environment": environment} if environment else {}),
        }
        now = data.draw(instants(case, {**asked, "action": "deploy"})).replace(microsecond=0)
        if abs(now - case.noon) < HALF:
            judge(places, case, asked, now)


@settings(max_examples=5)
@given(
    st.lists(WINDOWS, min_size=1, max_size=6),
    st.lists(LOCKS, max_size=2),
    st.sampled_from([None, "production", "staging"]),
    st.lists(st.integers(0, 23), min_size=3, max_size=3, unique=True),
)
def test_where_many_scopes_meet(
    places: Clock,
    windows: list[dict[str, Any]],
    locks: list[ManualLock],
    environment: str | None,
    hours: list[int],
) -> None:
    """The API server reads the formulas as the core does, which says what it should."""
    named = [{"name": str(number), **window} for number, window in enumerate(windows)]
    text = f"windows: {json.dumps(named)}\nlevel_lock: {{at: never}}\n"
    everything = "actions: {scale-up: {locked: deny}}\n"
    line = timeline(text + everything, locks=tuple(locks))
    places.install(line, at=DAY, weeks=1, environment=environment)
    for hour in hours:
        now = DAY + timedelta(hours=hour)
        places.set(now)
        for namespace, name in product(("shop", "other"), NAMES):
            for action in JUDGED:
                request = Request(
                    action=action,
                    invoker="human",
                    environment=environment,
                    namespace=namespace,
                    service=name,
                )
                phase = line.view_at(request, micros(now)).phase(micros(now))
                expected = 403 if phase is Phase.LOCKED else 200
                status = tried(places, action, namespace, name, "alice")
                assert status == expected, (text, locks, environment, now, request)


def judge(clock: Clock, case: Case, asked: Mapping[str, str], now: datetime) -> None:
    """Every action, by everyone."""
    clock.set(now)
    for action in ("deploy", "restart", "scale-up", "scale-down"):
        for user in USERS:
            who = invoker(case.document["identities"], user)
            answer = case.twin.decide({**asked, "action": action, "invoker": who}, now)
            denied = answer["phase"] == "locked" and answer["verdict"] == "deny"
            status = tried(clock, action, asked["namespace"], asked["service"], user)
            expected = 403 if denied and user != "robot" else 200
            assert status == expected, (case.document, case.rows, case.locks, asked, now, action)
