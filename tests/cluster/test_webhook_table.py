"""The table of changes, with kubectl, behind the real API server.

Every command is run inside a window, in its lead and outside, by a person, a service account and
one of Kubernetes' own controllers. They are all run at first, several at a time; each test then
looks at what came of one of them.
"""

import json
import re
import subprocess
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from tests.cluster import gate_policy
from tests.cluster.gate import CALLERS, EXEMPT, HUMAN, Caller, Gate, kubectl, observed, settled
from tests.cluster.gate_cases import CASES, Case
from tests.cluster.gate_manifests import path_of
from tests.controlplane.plane import ControlPlane

pytestmark = pytest.mark.xdist_group("webhook")
THREADS = 4
PLACES = [(phase, caller) for phase in gate_policy.PHASES for caller in CALLERS]
# All inside a window, by all who can be refused there; elsewhere what stands for a row.
RUNS = [
    (phase, caller, case)
    for case in CASES
    for phase, caller in PLACES
    if case.typical or (caller is not EXEMPT and phase == "locked")
]
_IDENTIFIER = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
Done = subprocess.CompletedProcess[str]


@dataclass(frozen=True)
class Ran:
    """A command, as it ended, and as its dry run did where that was tried before."""

    done: Done
    dry: Done | None


@dataclass(frozen=True)
class Place:
    """A phase and a caller: a namespace of their own, and what happened there."""

    namespace: str
    ran: dict[str, Ran]
    decisions: list[dict[str, Any]]
    audited: list[dict[str, Any]]


Places = dict[tuple[str, str], Place]


def _tried_dry(phase: str, caller: Caller, case: Case) -> bool:
    return case.has_dry_run and caller is HUMAN and phase != "open"


@pytest.fixture(scope="module")
def places(gate: Gate) -> Iterator[Places]:
    plane = gate.plane
    with ExitStack() as stack, ThreadPoolExecutor(THREADS) as pool:
        names = {
            (phase, str(caller)): stack.enter_context(plane.namespace(phase))
            for phase, caller in PLACES
        }
        for _ in pool.map(lambda name: _arrange(plane, name), names.values()):
            pass
        gate.knows_templates(*names.values())
        for _ in pool.map(lambda name: stack.enter_context(gate.protected(name)), names.values()):
            pass
        ran: dict[tuple[str, str], dict[str, Ran]] = {key: {} for key in names}

        def run(phase: str, caller: Caller, case: Case) -> None:
            key, dry = (phase, str(caller)), _tried_dry(phase, caller, case)
            ran[key][case.name] = _run(plane, names[key], caller, case, dry_first=dry)

        for job in [pool.submit(run, *each) for each in RUNS]:
            job.result()
        yield {
            key: Place(name, ran[key], gate.decisions(name), plane.audit_events(name))
            for key, name in names.items()
        }


def _arrange(plane: ControlPlane, namespace: str) -> None:
    """Make what the cases change."""
    made = [case.before for case in CASES if case.before is not None]
    text = "\n---\n".join(json.dumps(each) for each in made)
    plane.kubectl("create", "--namespace", namespace, "--filename", "-", input=text, check=True)
    revised = {
        path_of(namespace, case.before): case.revised
        for case in CASES
        if case.before is not None and case.revised is not None
    }
    for path, patch in revised.items():
        plane.wait_for("the first revision is there", partial(observed, plane, path))
        merge = "application/strategic-merge-patch+json"
        plane.request("PATCH", path, patch, content_type=merge).ok()
    plane.wait_for("the controllers are done", partial(settled, plane, namespace))


def _run(
    plane: ControlPlane, namespace: str, caller: Caller, case: Case, *, dry_first: bool
) -> Ran:
    sent = None if case.sent is None else json.dumps(case.sent)

    def run(*more: str) -> Done:
        where = ("--namespace", namespace)
        return kubectl(plane, caller, *case.command, *more, *where, sent=sent, editor=case.editor)

    dry = run("--dry-run=server") if dry_first else None
    return Ran(run(), dry)


EACH = pytest.mark.parametrize(
    ("phase", "caller", "case"),
    [
        pytest.param(phase, caller, case, id=f"{phase}-{caller}-{case.name}")
        for phase, caller, case in RUNS
    ],
)


@EACH
def test_a_change_gets_the_answer_of_the_policy(
    gate: Gate, places: Places, phase: str, caller: Caller, case: Case
) -> None:
    place = places[phase, str(caller)]
    done = place.ran[case.name].done
    recorded = [each for each in place.decisions if each["request"]["service"] == case.name]
    actions = case.actions_of(caller.invoker or "")
    if caller.invoker is None or not actions:
        assert done.returncode == 0, done.stderr
        assert recorded == []
        return
    wanted = gate_policy.expected(actions, phase, caller.invoker)
    assert (done.returncode != 0) is wanted.denied, done.stderr or done.stdout
    assert len(recorded) == (case.tries if wanted.denied else 1)
    for decision in recorded:
        assert decision["request"]["action"] == wanted.action
        assert decision["verdict"] == wanted.verdict
        assert decision["effect"] == ("block" if wanted.denied else "allow")
        assert decision["phase"] == phase
        assert decision["recorded"] is True
    if wanted.denied:
        window, until = gate.windows.denying(wanted.action, phase, caller.invoker)
        assert f"{wanted.action} of {case.name} in {place.namespace} is denied" in done.stderr
        assert window.name in done.stderr
        assert f"until {gate_policy.local(until)}" in done.stderr
        assert recorded[-1]["id"] in done.stderr
    else:
        assert _IDENTIFIER.search(done.stderr) is None


@pytest.mark.parametrize(
    ("phase", "case"),
    [
        pytest.param(phase, case, id=f"{phase}-{case.name}")
        for phase, caller, case in RUNS
        if _tried_dry(phase, caller, case)
    ],
)
def test_a_dry_run_gets_the_same_answer(places: Places, phase: str, case: Case) -> None:
    ran = places[phase, str(HUMAN)].ran[case.name]
    assert ran.dry is not None
    assert ran.dry.returncode == ran.done.returncode, ran.dry.stderr
    assert _comparable(ran.dry.stderr) == _comparable(ran.done.stderr)


def _comparable(said: str) -> str:
    """Words without what is another each time: the decision's id."""
    return _IDENTIFIER.sub("ID", said)


@pytest.mark.parametrize(("phase", "caller"), PLACES, ids=str)
def test_a_decision_says_who_asked_for_what(places: Places, phase: str, caller: Caller) -> None:
    place = places[phase, str(caller)]
    if caller is EXEMPT:
        assert place.decisions == []
        return
    uids = set()
    for decision in place.decisions:
        request = decision["request"]
        assert request["invoker"] == caller.invoker
        assert request["actor"] == caller.user
        assert request["namespace"] == place.namespace
        assert request["environment"] == gate_policy.ENVIRONMENT
        assert str(uuid.UUID(request["uid"])) == request["uid"]
        uids.add(request["uid"])
    assert len(uids) == len(place.decisions)
    assert len({decision["id"] for decision in place.decisions}) == len(place.decisions)


@pytest.mark.parametrize(("phase", "caller"), PLACES, ids=str)
def test_the_audit_log_names_the_decisions(places: Places, phase: str, caller: Caller) -> None:
    place = places[phase, str(caller)]
    noted = [(event, notes) for event in place.audited if (notes := _notes(event))]
    judged = {notes["decision-id"]: (event, notes) for event, notes in noted if len(notes) > 1}
    for decision in place.decisions:
        event, notes = judged[decision["id"]]
        assert notes == {
            "decision-id": decision["id"],
            "verdict": decision["verdict"],
            "phase": decision["phase"],
            "policy-sha256": decision["policy"]["sha256"],
        }
        status = event["responseStatus"]
        if decision["verdict"] == "deny":
            assert (status["code"], status["reason"]) == (403, "Forbidden")
        else:
            assert status["code"] < 300
        assert event["user"]["username"] == caller.user
    if caller is EXEMPT:
        assert judged == {}
        assert {notes["passed"] for _, notes in noted} == {"exempt"}


def _notes(event: dict[str, Any]) -> dict[str, str]:
    """What the gate noted on an event, by names without the webhook's."""
    return {
        name.rpartition("/")[2]: value
        for name, value in (event.get("annotations") or {}).items()
        if ".saturday-gate.io/" in name
    }
