"""The worker: it installs, follows its inputs, and stands aside while the webhook answers."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gate.core.instants import parse_instant
from gate.service.fallback.aside import Pace
from gate.service.fallback.cluster import Cluster
from gate.service.fallback.worker import Settings, Worker
from gate.service.following import Following
from tests.cli.run import gate
from tests.cluster.fallback.lab import ADMISSION, HOUR, MERGE, NO_LEVEL, Lab, inside, span, workload
from tests.cluster.fallback.witness import Witness, witness
from tests.controlplane.webhooks import webhook

pytestmark = pytest.mark.xdist_group("fallback")

STANDBY = "saturday-gate.io/standby-until"
QUICK = Pace(
    standby=timedelta(seconds=30),
    renewal=timedelta(seconds=0.3),
    attempts=2,
    gap=timedelta(seconds=0.1),
)
SETTINGS = Settings(own_namespace="saturday-gate", look=timedelta(seconds=0.2), pace=QUICK)
LOCKED = f"windows:\n{span(-HOUR, HOUR)}{NO_LEVEL}"
OPEN = f"windows:\n{span(-3 * HOUR, -2 * HOUR)}{NO_LEVEL}"


class Files:
    """A policy and a calendar as files."""

    def __init__(self, folder: Path) -> None:
        self.policy, self.calendar = folder / "policy.yaml", folder / "weddings.csv"
        self.calendar.write_text("id,date,timezone\n")

    def write(self, text: str) -> None:
        """Replace the policy."""
        fresh = self.policy.with_suffix(".new")
        fresh.write_text(f"version: 1\ntimezone: Europe/London\n{text}")
        fresh.replace(self.policy)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


@pytest.fixture(scope="module")
def namespace(lab: Lab) -> Iterator[str]:
    with lab.namespace(workload()) as name:
        yield name


@pytest.fixture
def asked(lab: Lab, namespace: str, tmp_path: Path) -> Iterator[Witness]:
    """A webhook that judges the namespace, with ``failurePolicy: Ignore``."""
    with (
        witness(lab.plane, tmp_path) as served,
        webhook(lab.plane, served.url, namespace=namespace, failure_policy="Ignore"),
    ):
        yield served


@contextmanager
def working(lab: Lab, files: Files, settings: Settings = SETTINGS) -> Iterator[Worker]:
    """The worker, in threads of this process."""
    inputs = Following(str(files.policy), [str(files.calendar)])
    worker = Worker(Cluster.connect(str(lab.plane.kubeconfig()), {}), inputs, settings)
    stop = threading.Event()
    thread = threading.Thread(target=worker.run, args=[stop])
    thread.start()
    try:
        yield worker
    finally:
        stop.set()
        thread.join()


def passes(lab: Lab, namespace: str) -> bool:
    answer = lab.create(namespace, workload("Deployment", "other"), dry=True)
    assert answer.status in {201, 403}, answer.body
    return answer.status == 201


def standby(lab: Lab, namespace: str) -> str | None:
    metadata = lab.plane.get(f"/api/v1/namespaces/{namespace}")["metadata"]
    found: str | None = metadata.get("annotations", {}).get(STANDBY)
    return found


def test_it_stands_aside_while_the_webhook_answers_and_no_longer(
    lab: Lab, namespace: str, files: Files, asked: Witness
) -> None:
    files.write(LOCKED)
    asked.answers = False
    with working(lab, files) as worker:
        lab.plane.wait_for("the lock holds", lambda: not passes(lab, namespace))
        lab.plane.wait_for("it is said", lambda: "webhook" in worker.board.alerts)
        assert standby(lab, namespace) is None
        asked.answers = True
        lab.plane.wait_for("it stands aside", lambda: passes(lab, namespace))
        text = standby(lab, namespace)
        assert text is not None
        ahead = parse_instant(text) - datetime.now(UTC)
        assert timedelta(seconds=25) < ahead <= timedelta(seconds=30)
        lab.plane.wait_for("it is over", lambda: "webhook" not in worker.board.alerts)
        asked.answers = False
        lab.plane.wait_for("the lock holds", lambda: not passes(lab, namespace), seconds=5)
        assert standby(lab, namespace) is None
        asked.answers = True
        lab.plane.wait_for("it stands aside", lambda: passes(lab, namespace))
    before = standby(lab, namespace)
    assert before is not None
    lab.annotate(namespace, {STANDBY: None})


def test_it_follows_its_files_and_keeps_what_was_good(
    lab: Lab, namespace: str, files: Files, asked: Witness
) -> None:
    files.write(OPEN)
    asked.probes = 0
    with working(lab, files) as worker:
        lab.plane.wait_for("it is open", lambda: passes(lab, namespace))
        assert asked.probes == 0
        assert standby(lab, namespace) is None
        asked.answers = False
        files.write(LOCKED)
        lab.plane.wait_for("the lock holds", lambda: not passes(lab, namespace))
        files.write("windows: nonsense\n")
        lab.plane.wait_for("it is said", lambda: "inputs" in worker.board.alerts)
        assert "windows" in worker.board.alerts["inputs"]
        assert not passes(lab, namespace)
        files.write(f"mode: warn\n{LOCKED}")
        lab.plane.wait_for("it only warns", lambda: passes(lab, namespace))
        assert "inputs" not in worker.board.alerts


def test_what_someone_changed_is_put_right(lab: Lab, namespace: str, files: Files) -> None:
    files.write(LOCKED)
    again = Settings(
        own_namespace="saturday-gate",
        look=timedelta(seconds=0.2),
        reapply=timedelta(seconds=0.5),
        pace=QUICK,
    )
    bindings = f"{ADMISSION}/validatingadmissionpolicybindings"
    path = f"{bindings}/saturday-gate-fallback"

    def actions() -> object:
        found = lab.plane.request("GET", path)
        return found.body["spec"]["validationActions"] if found.status == 200 else None

    with working(lab, files, again):
        lab.plane.wait_for("the lock holds", lambda: not passes(lab, namespace))
        lab.patch(path, {"spec": {"validationActions": ["Warn", "Audit"]}}, MERGE).ok()
        lab.plane.wait_for("it refuses again", lambda: actions() == ["Deny"])
        lab.plane.request("DELETE", path).ok()
        lab.plane.wait_for("it is there again", lambda: actions() == ["Deny"])


def test_once_and_status(
    lab: Lab, namespace: str, files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = ["--kubeconfig", str(lab.plane.kubeconfig())]
    inputs = ["--policy", str(files.policy), "--calendar", str(files.calendar)]
    monkeypatch.delenv("KUBECONFIG", raising=False)
    files.write(f"name: shop\n{LOCKED}")
    metrics = tmp_path / "gate.prom"
    done = gate("fallback", "run", *cluster, *inputs, "--once", "--metrics", metrics)
    assert done.code == 0, done.err
    assert 'gate_fallback_alert{alert="weeks"} 0' in metrics.read_text()
    lab.annotate(namespace, {"saturday-gate.io/override-until": "2190-01-01T00:00:00Z"})
    found = gate("fallback", "status", *cluster, "--json")
    assert found.code == 0, found.err
    said = found.json
    assert (said["installed"], said["mode"], said["policy"]) == (True, "enforce", "shop")
    assert 11.9 < said["weeks_left"] <= 12
    assert len(said["leases"]) == 1
    assert said["leases"][0]["age_seconds"] < 15
    places = {each["name"]: each for each in said["namespaces"]}
    assert places[namespace]["open"]
    assert "OPEN" in gate("fallback", "status", *cluster).out
    lab.annotate(namespace, {"saturday-gate.io/override-until": None})
    short = gate("fallback", "run", *cluster, *inputs, "--once", "--weeks", 1, "--metrics", metrics)
    assert short.code == 0
    assert 'gate_fallback_alert{alert="weeks"} 1' in metrics.read_text()
    found = gate("fallback", "status", *cluster)
    assert found.code == 4
    assert "days of windows are left" in found.err
    lab.remove(lab.install(inside())[:2])
    found = gate("fallback", "status", *cluster)
    assert found.code == 4
    assert "not installed" in found.out


def test_a_cluster_that_is_not_there_is_exit_4(files: Files, tmp_path: Path, lab: Lab) -> None:
    config = lab.plane.kubeconfig().read_text()
    nowhere = tmp_path / "nowhere"
    nowhere.write_text(config.replace(lab.plane.urls[0], "https://127.0.0.1:1"))
    files.write(OPEN)
    inputs = ["--policy", str(files.policy), "--calendar", str(files.calendar)]
    found = gate("fallback", "status", "--kubeconfig", nowhere)
    assert found.code == 4
    assert "Leases" in found.err
    done = gate("fallback", "run", "--kubeconfig", nowhere, *inputs, "--once")
    assert done.code == 4
