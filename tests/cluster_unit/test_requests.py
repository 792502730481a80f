"""Who asks for what: invokers, actors, exempt users, names, and which decision stands."""

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from gate.cluster.changes import Why
from gate.cluster.requests import Callers, requests_of, set_aside, strictest
from gate.cluster.review import User
from gate.core.decision import Decision, Effect, Verdict
from gate.core.policy import Action, Policy
from tests.cluster_unit.build import Json, envelope, read, thing
from tests.core import build

HPA = "system:serviceaccount:kube-system:horizontal-pod-autoscaler"
GITOPS = "system:serviceaccount:argocd:argocd-application-controller"


def caller(name: str, *groups: str, policy: Policy | None = None) -> tuple[str, str, bool]:
    found = Callers(policy).of(User(username=name, groups=groups))
    return found.invoker, found.actor, found.exempt


def policy(*lines: str) -> Policy:
    return build.policy("\n".join(lines) + "\n")


@pytest.mark.parametrize("rules", [None, policy()])
def test_the_default_rule(rules: Policy | None) -> None:
    assert caller(GITOPS, policy=rules) == ("automation", GITOPS, False)
    assert caller("alice@example.org", policy=rules) == ("human", "alice@example.org", False)
    assert caller("system:node:worker-1", policy=rules)[0] == "human"
    assert caller("system:serviceaccountant", policy=rules)[0] == "human"


@pytest.mark.parametrize("rules", [None, policy()])
@pytest.mark.parametrize(
    "name",
    [
        "horizontal-pod-autoscaler",
        "deployment-controller",
        "statefulset-controller",
        "daemon-set-controller",
        "replicaset-controller",
        "job-controller",
        "generic-garbage-collector",
        "namespace-controller",
        "root-ca-cert-publisher",
        "endpointslice-controller",
    ],
)
def test_kubernetes_own_controllers_are_exempt(name: str, rules: Policy | None) -> None:
    assert caller(f"system:serviceaccount:kube-system:{name}", policy=rules)[2]
    assert not caller(f"system:serviceaccount:other:{name}", policy=rules)[2]
    assert not caller(f"system:serviceaccount:kube-system:{name}-2", policy=rules)[2]


def test_a_list_of_exempt_users_takes_the_place_of_the_default_one() -> None:
    rules = policy('exempt: ["alice", "b*"]')
    assert caller("alice", policy=rules)[2]
    assert not caller("bob", policy=rules)[2]
    assert not caller(HPA, policy=rules)[2]


IDENTITIES = """identities:
- {user: "alice@*", invoker: automation, actor: alice}
- {user: "system:serviceaccount:ops:*", group: "sso:[de]*", invoker: human}
- {group: "sso:deployers", invoker: automation}
- {group: "*", user: "bob", invoker: human, actor: robert}
"""


@pytest.mark.parametrize(
    ("name", "groups", "expected"),
    [
        ("alice@example.org", (), ("automation", "alice")),
        ("alice@example.org", ("sso:deployers",), ("automation", "alice")),
        ("Alice@example.org", (), ("human", "Alice@example.org")),
        ("carol", ("other", "sso:deployers"), ("automation", "carol")),
        ("carol", ("other",), ("human", "carol")),
        (
            "system:serviceaccount:ops:bot",
            ("x", "sso:deployers"),
            ("human", "system:serviceaccount:ops:bot"),
        ),
        (
            "system:serviceaccount:ops:bot",
            ("sso:admins",),
            ("automation", "system:serviceaccount:ops:bot"),
        ),
        ("bob", ("any",), ("human", "robert")),
        ("bob", (), ("human", "bob")),
    ],
)
def test_identities(name: str, groups: tuple[str, ...], expected: tuple[str, str]) -> None:
    assert caller(name, *groups, policy=policy(IDENTITIES))[:2] == expected


def test_a_user_is_known_again_by_name_and_groups() -> None:
    callers = Callers(policy(IDENTITIES))
    first = callers.of(User(username="carol", groups=("sso:deployers",)))
    assert callers.of(User(username="carol", groups=("sso:deployers",))) is first
    assert callers.of(User(username="carol", groups=None)).invoker == "human"
    assert first.invoker == "automation"


def test_any_number_of_users_may_come() -> None:
    callers = Callers(None)
    names = [f"system:serviceaccount:n:{number}" for number in range(10_000)]
    assert {callers.of(User(username=name)).actor for name in names} == set(names)
    assert len(callers._known) < len(names)


def test_what_is_set_aside() -> None:
    callers = Callers(None)
    person, controller = (callers.of(User(username=name)) for name in ("alice", HPA))
    here, system, own = (
        read(envelope(thing(), None, namespace=name)) for name in ("shop", "kube-system", "gate")
    )
    assert set_aside(here, person, "gate") is None
    assert set_aside(here, controller, "gate") is Why.EXEMPT
    for review in (system, own):
        assert set_aside(review, person, "gate") is Why.NAMESPACE
        assert set_aside(review, controller, "gate") is Why.NAMESPACE
    assert set_aside(own, person, None) is None
    nowhere = read(envelope(thing(), None, namespace=None))
    assert set_aside(nowhere, person, None) is None


def test_requests() -> None:
    review = read(envelope(thing(), thing()))
    who = Callers(policy(IDENTITIES)).of(User(username="alice@example.org"))
    found = requests_of(review, (Action.DEPLOY, Action.SCALE_UP), who, "production")
    assert [request.action for request in found] == ["deploy", "scale-up"]
    (first, second) = found
    assert replace(first, action=second.action) == second
    assert (first.service, first.namespace, first.environment) == (
        "checkout",
        "wedding-platform",
        "production",
    )
    assert (first.actor, first.invoker, first.uid) == ("alice", "automation", review.uid)
    assert first.repository is None


@pytest.mark.parametrize(
    ("fields", "metadata", "expected"),
    [
        ({"name": "a"}, {"name": "b", "generateName": "c-"}, "a"),
        ({"name": ""}, {"name": "b", "generateName": "c-"}, "b"),
        ({"name": None}, {"generateName": "c-"}, "c-"),
        ({"name": 5}, {"name": "b"}, "b"),
        ({"name": ""}, {"name": 5}, None),
        ({"name": ""}, None, None),
    ],
)
def test_names(fields: Json, metadata: Any, expected: str | None) -> None:
    who = Callers(None).of(User(username="alice"))
    of = {**thing(), "metadata": metadata}
    for review in (envelope(of, None, **fields), envelope(None, of, **fields)):
        (request,) = requests_of(read(review), (Action.DEPLOY,), who, None)
        assert request.service == expected


def test_what_is_empty_is_not_known() -> None:
    who = Callers(None).of(User(username="alice"))
    review = read(envelope(None, None, "DELETE", name=None, namespace=""))
    (request,) = requests_of(review, (Action.DEPLOY,), who, "")
    assert (request.service, request.namespace, request.environment) == (None, None, None)


LINE = build.timeline()
ANY = build.ask(LINE, "2026-06-13T12:00:00Z")


def decision(verdict: str, effect: str, action: str) -> Decision:
    request = build.request(action)
    return replace(ANY, verdict=Verdict(verdict), effect=Effect(effect), request=request)


def test_the_strictest_decision_stands() -> None:
    order = [
        decision("deny", "block", "deploy"),
        decision("deny", "block", "config"),
        decision("deny", "block", "rollback"),
        decision("deny", "warn", "deploy"),
        decision("deny", "allow", "restart"),
        decision("undecided", "block", "deploy"),
        decision("undecided", "warn", "deploy"),
        decision("allow", "allow", "config"),
        decision("allow", "allow", "scale-down"),
        decision("allow", "allow", "scale-up"),
    ]
    for one, other in itertools.combinations(order, 2):
        assert strictest([one, other]) is one
        assert strictest([other, one]) is one


DECISIONS = st.builds(
    decision,
    st.sampled_from([*Verdict]),
    st.sampled_from([*Effect]),
    st.sampled_from([*Action]),
)


@given(st.lists(DECISIONS, min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_the_order_of_decisions_does_not_matter(found: list[Decision], random: Any) -> None:
    stands = strictest(found)
    random.shuffle(found)
    assert strictest(found) == stands
    assert stands in found
