"""Each container of the manifests does its work as it stands: read-only, with its own account.

Policy and calendar come from a database, the cluster is found as in a pod, and nothing can be
written but the volumes.
"""

import http.client
import signal
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.cli.run import gate
from tests.cluster.fallback.lab import ADMISSION
from tests.cluster.manifests.scene import Scene
from tests.cluster.manifests.stage import GATE, token_of
from tests.controlplane.processes import free_port
from tests.manifests import building
from tests.manifests.building import build
from tests.manifests.confined import confined, events, unable
from tests.postgres import fresh_schema
from tests.servers import Reply
from tests.tiers import RequiredKey
from tests.webhook.gate_webhook import exchange, until

pytestmark = pytest.mark.xdist_group("manifests")
LOCK = f"{ADMISSION}/validatingadmissionpolicies/saturday-gate-fallback"


class Pods:
    """Starts containers of the manifests against the scene's cluster and a database."""

    def __init__(self, scene: Scene, folder: Path, dsn: str, schema: str) -> None:
        self.scene = scene
        self.folder = folder
        self._secrets = {
            "saturday-gate-database": {"dsn": dsn},
            "saturday-gate-settings": {"environment": "production"},
        }
        host, _, port = scene.plane.urls[0].removeprefix("https://").partition(":")
        self._environ = {
            "GATE_SCHEMA": schema,
            "KUBERNETES_SERVICE_HOST": host,
            "KUBERNETES_SERVICE_PORT": port,
        }

    def run(
        self,
        kind: str,
        part: str,
        *,
        volumes: Sequence[Any] | None = None,
        name: str = "",
        **options: Any,
    ) -> Any:
        """The first container of a workload of that part, maybe with other volumes; its process."""
        account_name = f"{GATE}-{part}"
        template = building.template_of(
            building.named(build("overlays/production"), kind, account_name)
        )
        assert template is not None
        environ = self._environ
        account = None
        if template["spec"]["automountServiceAccountToken"]:
            account = self._mounted(account_name)
        else:
            environ = {"GATE_SCHEMA": environ["GATE_SCHEMA"]}
        container = template["spec"]["containers"][0]
        if volumes is not None:
            container = {**container, "volumeMounts": volumes}
        place = self.folder / name if name else self.place(kind, part)
        return confined(
            container, place, account=account,
            secrets=self._secrets, environ=environ, **options,
        )  # fmt: skip

    def place(self, kind: str, part: str) -> Path:
        """The folder of a container; its log is there."""
        return self.folder / f"{kind}-{part}".lower()

    def seen(self, kind: str, part: str) -> list[str]:
        """The events that it has logged."""
        return events(self.place(kind, part))

    def _mounted(self, name: str) -> Path:
        folder = self.folder / f"{name}-account"
        folder.mkdir(exist_ok=True)
        (folder / "token").write_text(token_of(self.scene.plane, name))
        (folder / "ca.crt").write_bytes(self.scene.plane.ca.read_bytes())
        (folder / "namespace").write_text(GATE)
        return folder


@pytest.fixture(scope="module", autouse=True)
def mounts(request: pytest.FixtureRequest) -> None:
    """Skip, or fail where the tier is required, what takes mounts of one's own."""
    why = unable()
    if why is None:
        return
    text = f"no mounts of one's own here: {why}"
    if "cluster" in request.config.stash[RequiredKey]:
        pytest.fail(f"{text} (GATE_REQUIRE asks for it)", pytrace=False)
    pytest.skip(text)


@pytest.fixture(scope="module")
def pods(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pods]:
    """With a database in which the migration's container has made the schema."""
    with (
        fresh_schema(migrated=False, prefix="pods") as target,
        pytest.MonkeyPatch.context() as set_,
    ):
        made = Pods(scene, tmp_path_factory.mktemp("pods"), target.dsn, target.schema)
        with made.run("Job", "migration") as migration:
            assert migration.wait(60) == 0, (made.place("Job", "migration") / "log").read_text()
        set_.setenv("GATE_SCHEMA", target.schema)
        _, policy, _, calendar = scene.inputs
        words = ("--dsn", target.dsn, "--by", "ann")
        for done in (
            gate("policy", "import", policy, "--activate", *words),
            gate("calendar", "import", calendar, *words),
        ):
            assert done.code == 0, done.err
        yield made


def ended(process: subprocess.Popen[str]) -> int:
    """The exit code after SIGTERM."""
    process.send_signal(signal.SIGTERM)
    return process.wait(45)


def listening(where: str) -> tuple[int, dict[str, str]]:
    """A free port, and the argument that is another here for it."""
    port = free_port()
    return port, {f"--listen={where}": f"--listen=127.0.0.1:{port}"}


def test_the_webhook_gets_ready(pods: Pods) -> None:
    port, replaced = listening("0.0.0.0:8443")
    # There are no endpoints here to wait for.
    replaced |= {"--drain=10s": "--drain=0s"}
    pair = pods.folder / "tls"
    pair.mkdir()
    server = pods.scene.webhook
    for name, path in (("tls.crt", server.pair.certificate), ("tls.key", server.pair.key)):
        (pair / name).write_bytes(path.read_bytes())

    def ready() -> Reply | None:
        connection = server.connect()
        connection.port = port
        try:
            answer = exchange(connection, "GET", "/readyz")
        except ConnectionError:
            return None
        finally:
            connection.close()
        return answer if answer.status == 200 else None

    with pods.run("Deployment", "webhook", replaced=replaced, tls=pair) as process:
        until(ready, what="the webhook is ready")
        assert ended(process) == 0
    assert "draining" in pods.seen("Deployment", "webhook")


def test_the_server_answers(pods: Pods) -> None:
    port, replaced = listening("0.0.0.0:8080")

    def healthy() -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        except ConnectionError:
            return False
        finally:
            connection.close()

    with pods.run("Deployment", "server", replaced=replaced) as process:
        until(healthy, what="the server answers")
        assert ended(process) == 0


def test_the_fallback_worker_installs_the_lock(pods: Pods) -> None:
    plane = pods.scene.plane
    # The scene's own worker looks again after ten minutes.
    plane.request("DELETE", LOCK)
    with pods.run("Deployment", "fallback") as process:
        plane.wait_for("it is installed", lambda: plane.request("GET", LOCK).status == 200)
        until(lambda: "applied" in pods.seen("Deployment", "fallback"), what="it says so")
        assert ended(process) == 0
    assert "alert" not in pods.seen("Deployment", "fallback")


def test_the_pre_scaler_works_as_one_run_and_as_a_worker(pods: Pods) -> None:
    with pods.run("CronJob", "prescale") as process:
        assert process.wait(60) == 0, (pods.place("CronJob", "prescale") / "log").read_text()
    with pods.run("Deployment", "prescale") as process:
        until(lambda: "lease-won" in pods.seen("Deployment", "prescale"), what="it has the Lease")
        assert ended(process) == 0
    assert "failure" not in pods.seen("Deployment", "prescale")


def test_without_its_volume_it_could_not_write(pods: Pods) -> None:
    """Nothing else is writable here, so the others did with what they have."""
    with pods.run("Deployment", "server", volumes=[{"mountPath": "/tmp"}], name="bare") as process:
        assert process.wait(60) == 4
    assert "Read-only file system" in (pods.folder / "bare" / "log").read_text()
