"""The worker keeps floors at the plan, by watches, and sees that replicas become Ready."""

from datetime import UTC, datetime, timedelta

from gate.store.connect import Target
from tests.cluster.faulty import Proxy
from tests.cluster.prescale_working import HIGH, MAXIMUM, OWN, Site, events, failures
from tests.cluster.prescaling import SCALED
from tests.controlplane.processes import wait_for


def ready(where: Target) -> bool:
    return any(at is not None for (at,) in events(where, "ready_at"))


def test_the_plan_is_followed_up_and_down(site: Site) -> None:
    site.hpa()
    with site.working() as worker:
        site.plan("HIGH")
        site.until(HIGH)
        site.plan("MAXIMUM")
        site.until(MAXIMUM)
        site.plan("NORMAL")
        site.until(OWN)
        assert site.notes() == {}
        assert failures(worker) == {}


def test_the_plans_next_change_is_a_timer_and_no_poll(site: Site) -> None:
    """A wedding of the day after tomorrow, and so long a lead that the floor is due in a moment."""
    site.hpa()
    now = datetime.now(UTC)
    wedding = datetime(now.year, now.month, now.day, tzinfo=UTC) + timedelta(days=2)
    row = f"later,{wedding.date()},UTC,90000"
    site.put(site.calendar, f"id,date,timezone,guests\n{row}\n")
    due = now + timedelta(seconds=4)
    with site.working(ahead=wedding - due, recheck=timedelta(hours=1)) as worker:
        wait_for("it has begun", lambda: worker.holds and worker.rounds > 1)
        assert site.range() == OWN
        site.until(HIGH)
        assert datetime.now(UTC) >= due


def test_a_target_that_comes_later_is_raised_too(site: Site) -> None:
    site.plan("HIGH")
    with site.working():
        site.hpa("late")
        site.until(HIGH, "late")


def test_a_cluster_without_keda_is_no_error(site: Site, proxy: Proxy) -> None:
    site.hpa()
    site.plan("HIGH")
    proxy.fault = lambda call: 404 if "keda.sh" in call.path else None
    with site.working(proxy=proxy) as worker:
        site.until(HIGH)
        assert failures(worker) == {}


def test_an_hpa_of_a_scaled_object_without_the_label_moves_that(site: Site) -> None:
    owner = site.scaled_object("queue", labels={}, minReplicaCount=1, maxReplicaCount=5)
    reference = {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "name": "queue",
        "uid": owner["metadata"]["uid"],
        "controller": True,
    }
    site.hpa("keda-hpa-queue", ownerReferences=[reference])
    site.plan("HIGH")
    with site.working():

        def raised() -> bool:
            return bool(site.read("queue", SCALED)["spec"]["minReplicaCount"] == 35)

        wait_for("the ScaledObject is raised", raised, seconds=20.0)
    assert site.range("keda-hpa-queue") == OWN


def test_scaled_objects_are_followed_too(site: Site) -> None:
    site.plan("HIGH")
    with site.working():
        site.scaled_object("queue", minReplicaCount=1, maxReplicaCount=5)

        def raised() -> bool:
            return bool(site.read("queue", SCALED)["spec"]["minReplicaCount"] == 35)

        wait_for("the ScaledObject is raised", raised, seconds=20.0)


def test_what_was_done_is_recorded_with_its_times(site: Site, where: Target) -> None:
    site.deployment(replicas=10)
    site.hpa()
    site.plan("HIGH")
    with site.working(where=where):
        wait_for("the floor is Ready", lambda: ready(where))
        site.plan("NORMAL")
        site.until(OWN)
    times = "planned_at, applied_at, desired_at, ready_at"
    raised, restored = events(where, f"from_min, to_min, cause, level, {times}, restored_at")
    assert raised[:4] == (10, 35, "plan", "HIGH")
    assert list(raised[4:]) == sorted(raised[4:])
    assert restored[:4] == (35, 10, "plan", "NORMAL")
    assert restored[6] == restored[7] == restored[5]
    assert restored[8] is None


def test_a_restart_records_nothing_twice(site: Site, where: Target) -> None:
    site.hpa()
    site.plan("HIGH")
    with site.working(where=where):
        site.until(HIGH)
        wait_for("it is recorded", lambda: events(where, "applied_at") not in ([], [(None,)]))
    before = events(where)
    for _ in range(2):
        with site.working(where=where) as worker:
            wait_for("it has taken over", lambda: worker.awaits)
    assert events(where) == before


def test_what_is_not_ready_in_time_is_a_failure_until_it_is(site: Site, where: Target) -> None:
    site.hpa(scales="missing")
    site.plan("HIGH")
    with site.working(where=where, ready_within=timedelta(seconds=1)) as worker:
        component = f"ready/HorizontalPodAutoscaler/{site.namespace}/web"
        wait_for("it is late", lambda: component in failures(worker), seconds=20.0)
        assert "Deployment/missing is not known" in failures(worker)[component]
        site.deployment("missing", replicas=1)
        wait_for("it is Ready", lambda: component not in failures(worker), seconds=60.0)


def test_a_floor_that_is_not_ready_gets_the_fallback_until_the_plan_is_over(site: Site) -> None:
    site.hpa(low=1, high=2, scales="missing", annotations={"saturday-gate.io/rungs": "1,3,5"})
    site.plan("HIGH")
    with site.working(ready_within=timedelta(seconds=1), recheck=timedelta(seconds=0.2)) as worker:
        site.until((3, 3))
        site.until((20, 20))
        rounds = worker.rounds
        wait_for("it would be late again", lambda: worker.rounds > rounds + 12, seconds=60.0)
        assert site.range() == (20, 20)
        assert len(failures(worker)) == 1
        site.plan("NORMAL")
        site.until((1, 2))


def test_who_puts_a_floor_back_is_named_with_the_mend(site: Site) -> None:
    site.hpa()
    site.plan("HIGH")
    with site.working() as worker:
        component = f"gitops/HorizontalPodAutoscaler/{site.namespace}/web"
        for _ in range(3):
            site.until(HIGH)
            assert "given up" not in failures(worker)
            site.change(manager="argocd-controller", minReplicas=12)
        wait_for("it is named", lambda: "3 times" in failures(worker).get(component, ""))
        said = failures(worker)[component]
        assert "argocd-controller puts the floor" in said
        assert "ignoreDifferences:" in said
        assert "jsonPointers: [/spec/minReplicas, /spec/maxReplicas]" in said
        assert site.range()[0] == 12
        site.plan("NORMAL")
        wait_for("it is over", lambda: component not in failures(worker))


def test_a_wrong_clock_is_not_trusted(site: Site) -> None:
    """The plan is of three days around now; this machine believes that it is next month."""
    site.hpa()
    site.plan("HIGH")
    with site.working(local=lambda: datetime.now(UTC) + timedelta(days=30)) as worker:
        site.until(HIGH)
        wait_for("it is said", lambda: "clock" in failures(worker))
        assert "ahead" in failures(worker)["clock"]


def test_with_nothing_to_do_there_are_no_calls_but_the_lease(site: Site, proxy: Proxy) -> None:
    site.deployment(replicas=1)
    site.hpa(low=1, high=3)
    site.plan("HIGH")
    with site.working(proxy=proxy, recheck=timedelta(seconds=0.1)) as worker:
        site.until((35, 35))
        wait_for("all are Ready", lambda: not worker.awaits, seconds=60.0)
        before = proxy.counts()
        rounds = worker.rounds
        wait_for("rounds go by", lambda: worker.rounds >= rounds + 30, seconds=60.0)
        made = proxy.counts() - before
    assert {kind for _, kind in made} <= {"leases"}
