"""What is cut from a stencil is what would have been decided, encoded and answered."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.cluster.answers import Answers
from gate.core.decide import decide
from gate.core.decision import Request
from gate.core.instants import micros
from gate.core.policy import Action
from gate.inputs import Compiled, compile_inputs
from gate.ledger.canonical import canonical
from gate.service.webhook.stencils import Stencils

REPOSITORY = Path(__file__).parents[2]
START = datetime(2026, 11, 20, tzinfo=UTC)
ID = "01a210a9-8912-7e6b-a2ef-1fc72b0679e7"


@pytest.fixture(scope="module")
def inputs() -> Compiled:
    examples = REPOSITORY / "examples"
    return compile_inputs(str(examples / "policy.yaml"), [str(examples / "calendar.csv")])


requests = st.builds(
    Request,
    action=st.sampled_from(Action),
    invoker=st.sampled_from(["human", "automation"]),
    environment=st.sampled_from(["production", None]),
    namespace=st.just("bookings"),
    service=st.sampled_from(["api", "photo-upload", "billing"]),
    actor=st.just("ada"),
    uid=st.text(min_size=1, max_size=8),
)


@settings(max_examples=400)
@given(
    requests,
    st.integers(0, 70 * 86_400 * 10),
    st.floats(0, 1, exclude_max=True),
    st.text(min_size=1, max_size=8),
)
def test_a_cut_decision_is_the_decision(
    inputs: Compiled, request: Request, tenths: int, share: float, uid: str
) -> None:
    answers = Answers(inputs.policy)
    stencils = Stencils(inputs, answers)
    first = START + timedelta(seconds=tenths / 10)
    for _ in range(2):
        stencils.learn(request, decide(inputs.timeline, inputs.facts, request, first))
    stencil = stencils.find(request, micros(first))
    if stencil is None:
        return
    length = stencil.until - stencil.since
    for later in (0, int(length * share), length - 1):
        at = first + timedelta(microseconds=later)
        again = msgspec.structs.replace(request, uid=uid)
        assert stencils.find(again, micros(at)) is stencil
        wanted = decide(inputs.timeline, inputs.facts, again, at, id=ID, recorded=True)
        assert stencil.payload(at, ID, uid) == canonical(wanted)
        assert stencil.answer(ID, uid) == answers.of(uid, wanted, (again.action,))
    assert stencils.find(request, stencil.until) is None
    assert stencils.find(request, stencil.since - 1) is None


def test_most_decisions_have_one(inputs: Compiled) -> None:
    """Else nothing would be gained, and the property above would hold of nothing."""
    stencils = Stencils(inputs, Answers(inputs.policy))
    found = 0
    for hour in range(24 * 28):
        at = START + timedelta(hours=hour)
        request = Request(action=Action.DEPLOY, invoker="human", service=f"s{hour}", uid="u")
        for _ in range(2):
            stencils.learn(request, decide(inputs.timeline, inputs.facts, request, at))
        found += stencils.find(request, micros(at)) is not None
    assert found > 300
