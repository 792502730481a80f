"""Who keeps putting a floor back is named from the second time on, with what to change there."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from gate.cluster.scaling.gitops import reversals
from gate.cluster.scaling.stepping import step
from gate.cluster.scaling.values import Raised, Range, Step, Target, Wish
from gate.core.decision import Level
from tests.scaling.build import target as built

AT = datetime(2026, 6, 6, 12, tzinfo=UTC)
PLAN = Wish(cause="plan", level=Level.HIGH, min=35, reason="")


def target(**known: Any) -> Target:
    return replace(built(), **known)


def put_back(again: int, manager: str = "argocd-controller", wish: Wish = PLAN) -> Step:
    raised = Raised(min=35, max=35, cause="plan", again=again, at=AT - timedelta(hours=1))
    found: Target = target(
        now=Range(10, 35), original=Range(10, 30), raised=raised, managers={"min": manager}
    )
    return step(found, wish, AT)


def test_one_change_is_nobodys_fight() -> None:
    assert reversals(put_back(0)) is None
    assert reversals(step(target(now=Range(10, 30)), PLAN, AT)) is None


@pytest.mark.parametrize(("again", "times"), [(1, 2), (2, 3)])
def test_two_reversals_are_named(again: int, times: int) -> None:
    found = reversals(put_back(again))
    assert found is not None
    assert (found.manager, found.times) == ("argocd-controller", times)


def test_giving_back_ends_it() -> None:
    own = Wish(cause="plan", level=Level.NORMAL, min=0, reason="")
    assert reversals(put_back(2, wish=own)) is None


@pytest.mark.parametrize(
    ("manager", "words"),
    [
        ("argocd-controller", "RespectIgnoreDifferences=true"),
        (
            "argocd-application-controller",
            "jsonPointers: [/spec/minReplicas, /spec/maxReplicas]",
        ),
        ("helm-controller", "driftDetection:"),
        ("kustomize-controller", "kustomize.toolkit.fluxcd.io/ssa: IfNotPresent"),
        ("kubectl-client-side-apply", "have kubectl-client-side-apply leave"),
    ],
)
def test_the_mend_is_that_of_the_tool(manager: str, words: str) -> None:
    found = reversals(put_back(2, manager))
    assert found is not None
    assert words in found.mend
