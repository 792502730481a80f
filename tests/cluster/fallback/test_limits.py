"""The edges: how much fits, Leases that are missing or dead, weeks that are over, mode warn."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from gate.cluster.fallback.documents import document_bytes
from gate.cluster.fallback.rules import Concern, Rule
from gate.cluster.fallback.segments import Segments, segments
from gate.cluster.fallback.times import calendar_variables
from gate.core.timeline import Timeline, compile_timeline
from tests.cli.run import gate
from tests.cluster.fallback.clock import Clock
from tests.cluster.fallback.lab import HOUR, LEASES, MERGE, Lab, inside, workload
from tests.core.build import NO_WINDOWS, calendar, policy, timeline

pytestmark = pytest.mark.xdist_group("fallback")

START = datetime(2026, 6, 1, tzinfo=UTC)
ZONES = (
    "Pacific/Auckland", "Australia/Sydney", "Asia/Tokyo", "Asia/Shanghai", "Asia/Kolkata",
    "Asia/Dubai", "Africa/Lagos", "Europe/Athens", "Europe/London", "America/Sao_Paulo",
    "America/New_York", "America/Los_Angeles",
)  # fmt: skip
LOCK_LEASES = LEASES.format("kube-system")


@pytest.fixture(scope="module")
def namespace(clock: Clock) -> Iterator[str]:
    with clock.namespace(workload()) as name:
        yield name


def status(lab: Lab, namespace: str) -> int:
    return lab.create(namespace, workload("Deployment", "other"), dry=True).status


def warnings(lab: Lab, namespace: str) -> tuple[bool, list[str]]:
    """Whether a new Deployment passes, and what is warned of."""
    body = json.dumps(workload("Deployment", "other"))
    words = ("create", "--dry-run=server", "--namespace", namespace, "--filename", "-")
    done = lab.plane.kubectl(*words, input=body)
    return done.returncode == 0, [x for x in done.stderr.splitlines() if x.startswith("Warning:")]


def saturdays() -> Timeline:
    """Twelve weeks with a wedding in each of twelve zones on every Saturday."""
    rules = policy("windows: [{name: sat, rrule: FREQ=WEEKLY;BYDAY=SA}]\n")
    weddings = [
        ((date(2026, 6, 6) + timedelta(weeks=week)).isoformat(), zone, "british", 150)
        for week in range(12)
        for zone in ZONES
    ]
    return compile_timeline(rules, calendar(rules, *weddings))


def test_twelve_weeks_of_twelve_zones_by_kubectl(
    clock: Clock, namespace: str, tmp_path: Path
) -> None:
    """From the command to a refusal, with the files that people apply."""
    rows = "".join(
        f"{week}-{zone},{date(2026, 6, 6) + timedelta(weeks=week)},{zone}\n"
        for week in range(12)
        for zone in ZONES
    )
    (tmp_path / "weddings.csv").write_text(f"id,date,timezone\n{rows}")
    (tmp_path / "policy.yaml").write_text("version: 1\ntimezone: Europe/London\n")
    files = ["--policy", tmp_path / "policy.yaml", "--calendar", tmp_path / "weddings.csv"]
    weeks = ["--weeks", 12, "--at", "2026-06-01T00:00:00Z", "--out", tmp_path / "out"]
    assert gate("fallback", "compile", *files, *weeks).code == 0
    clock.plane.kubectl("apply", "--filename", str(tmp_path / "out"), check=True)
    clock.settle()
    for week in (0, 11):
        saturday = datetime(2026, 6, 6, tzinfo=UTC) + timedelta(weeks=week)
        # From midnight in Auckland to midnight in Los Angeles, in summer time there.
        first, after = saturday - timedelta(hours=12), saturday + timedelta(hours=31)
        for moment, expected in (
            (first - timedelta(seconds=1), 201),
            (first, 403),
            (after - timedelta(seconds=1), 403),
            (after, 201),
        ):
            clock.set(moment)
            assert status(clock, namespace) == expected, moment


def many_windows(count: int) -> Segments:
    """Locks of three minutes, every six."""
    base = int(START.timestamp())
    times = ((base + 360 * n, base + 360 * n + 180) for n in range(count))
    return segments([Rule("lock", Concern(), tuple(times))])


def test_nineteen_thousand_windows_stay_within_the_budget(clock: Clock, namespace: str) -> None:
    count = 19_400
    documents = clock.install(timeline(NO_WINDOWS), at=START)
    policy_document = documents[0]
    variables = policy_document["spec"]["variables"]
    own = dict(calendar_variables(many_windows(count)))
    first = next(n for n, each in enumerate(variables) if each["name"] in own)
    kept = [each for each in variables if each["name"] not in own]
    added = [{"name": name, "expression": text} for name, text in own.items()]
    policy_document["spec"]["variables"] = kept[:first] + added + kept[first:]
    assert document_bytes(policy_document) < 1_000_000
    clock.apply(documents)
    for number in (0, count // 2, count - 1):
        begin = START + timedelta(minutes=6 * number)
        clock.set(begin + timedelta(minutes=2))
        answer = clock.create(namespace, workload("Deployment", "other"), dry=True)
        end = (begin + timedelta(minutes=3)).strftime("%Y-%m-%dT%H:%M:%SZ")
        assert f"is locked until {end} " in answer.body["message"]
        clock.set(begin + timedelta(minutes=4))
        assert status(clock, namespace) == 201


def test_past_the_compiled_weeks_it_warns_and_refuses_nobody(clock: Clock, namespace: str) -> None:
    clock.install(saturdays(), at=START, weeks=3)
    clock.set(START + timedelta(weeks=3) - timedelta(seconds=1))
    assert warnings(clock, namespace) == (True, [])
    clock.set(START + timedelta(weeks=3, days=5, hours=14))  # a Saturday like the others
    passes, warned = warnings(clock, namespace)
    assert passes
    assert len(warned) == 1
    assert "knows no windows after 2026-06-22T00:00:00Z" in warned[0]


@pytest.fixture
def leases(clock: Clock) -> Iterator[Clock]:
    """The clock, with its Leases put right afterwards."""
    yield clock
    for each in clock.plane.identity_leases():
        if each["metadata"]["name"] != "clock":
            clock.plane.request("DELETE", f"{LOCK_LEASES}/{each['metadata']['name']}").ok()
    clock.set(datetime.now(UTC))


def without_a_clock(leases: Clock, namespace: str) -> int:
    """The status of a change while no API server keeps a Lease."""
    leases.plane.request("DELETE", f"{LOCK_LEASES}/clock").ok()
    leases.plane.wait_for("it is gone", lambda: "no params found" in leases.sentinel())
    found = status(leases, namespace)
    leases.set(datetime.now(UTC))
    return found


def test_mode_warn_warns_and_refuses_nobody(leases: Clock, namespace: str) -> None:
    leases.set(datetime.now(UTC))
    leases.install(inside("mode: warn\n"))
    passes, warned = warnings(leases, namespace)
    assert passes
    assert len(warned) == 1
    assert "deploy by a person is locked until" in warned[0]
    assert without_a_clock(leases, namespace) == 201
    leases.set(datetime.now(UTC) + 2 * HOUR)
    assert warnings(leases, namespace) == (True, [])


def test_what_leases_have_to_say(leases: Clock, namespace: str) -> None:
    """All of them, and something: else a change is refused. One that stands aside is enough."""
    leases.install(inside())
    assert without_a_clock(leases, namespace) == 422
    leases.patch(f"{LOCK_LEASES}/clock", {"spec": {"renewTime": None}}, MERGE).ok()
    no_time = "the Lease clock of an API server has no renewTime"
    leases.plane.wait_for("it is seen", lambda: no_time in refusal(leases, namespace))
    now = datetime.now(UTC)
    # An API server that died during a lock goes on refusing until its Lease is collected …
    for dead, own, expected in ((-30, -30, 201), (-30, 0, 403), (0, 0, 403), (0, 2, 403)):
        leases.set(now + dead * HOUR, "dead")
        leases.set(now + own * HOUR)
        assert status(leases, namespace) == expected, (dead, own)
    # … but for an instant after its death, which opens what it alone would keep locked.
    until = (now + timedelta(seconds=30)).strftime("%Y-%m-%dT%H:%M:%SZ")
    leases.annotate(namespace, {"saturday-gate.io/standby-until": until})
    assert status(leases, namespace) == 201
    leases.annotate(namespace, {"saturday-gate.io/standby-until": None})


def refusal(lab: Lab, namespace: str) -> str:
    """What a refused person reads."""
    answer = lab.create(namespace, workload("Deployment", "other"), dry=True)
    return str(answer.body.get("message", ""))
