"""Start a control plane in a folder, and do to it what faults do.

with started(folder, whole=True, nodes=3) as running:
    running.plane.kubectl("get", "nodes")
    running.api_servers[0].kill()
"""

import contextlib
import datetime as dt
import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.controlplane import certificates, commands, guard
from tests.controlplane.plane import DEPLOYER, GROUPS, PLATFORM, ControlPlane
from tests.controlplane.processes import ControlPlaneError, Process, free_port, wait_for

ROOT = Path(__file__).parents[2]
START_SECONDS = 90.0
"""For the whole; on two idle cores it takes three to six."""
# A controller sums these up in the roles `view`, `edit` and `admin`; the API alone has none of it.
_ROLES = ("view", "edit", "admin")
_EXTRA_ROLE = "platform-extra"
_EXTRA_RULES = [
    {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get", "list", "patch", "update"]},
    {"apiGroups": ["apps"], "resources": ["controllerrevisions"], "verbs": ["get", "list"]},
]


@dataclass
class Running:
    """A control plane that this process started, part by part."""

    plane: ControlPlane
    etcd: Process
    api_servers: tuple[Process, ...]
    others: tuple[Process, ...] = ()
    """Controller manager, scheduler, kwok; none where only the API was asked for."""

    def processes(self) -> tuple[Process, ...]:
        """All of them, in the order in which they are started."""
        return (self.etcd, *self.api_servers, *self.others)

    def wait_ready(self, *, seconds: float = START_SECONDS) -> None:
        """Until every API server that runs says that it is ready.

        Raises `ControlPlaneError` where a process has ended, or it is not in time.
        """
        numbers = [number for number, each in enumerate(self.api_servers) if each.runs()]
        self._wait(
            "the API servers are ready",
            lambda: all(self.plane.is_ready(number) for number in numbers),
            [self.etcd, *(self.api_servers[number] for number in numbers)],
            seconds,
        )

    def restart(self, process: Process) -> None:
        """Kill a process, start it again, and wait until the API servers are ready."""
        process.kill()
        process.start()
        self.wait_ready()

    def _wait(
        self,
        what: str,
        answer: Callable[[], object],
        watched: Sequence[Process],
        seconds: float = START_SECONDS,
    ) -> None:
        def asked() -> object:
            for process in watched:
                process.check()
            return answer()

        try:
            wait_for(what, asked, seconds=seconds)
        except TimeoutError as error:
            tails = "\n".join(process.tail() for process in watched)
            raise ControlPlaneError(f"{error}\n{tails}") from error

    def start(self, nodes: int) -> None:
        """Start everything and wait until it can be used."""
        self.etcd.start()
        for server in self.api_servers:
            server.start()
        self.wait_ready()
        self._give_rights()
        for process in self.others:
            process.start()
        if self.others:
            self._wait_for_controllers(nodes)

    def _give_rights(self) -> None:
        base = "/apis/rbac.authorization.k8s.io/v1"
        version = "rbac.authorization.k8s.io/v1"
        self.plane.request(
            "POST",
            f"{base}/clusterroles",
            {
                "apiVersion": version,
                "kind": "ClusterRole",
                "metadata": {"name": _EXTRA_ROLE},
                "rules": _EXTRA_RULES,
            },
        ).ok()
        for role in (*(f"system:aggregate-to-{each}" for each in _ROLES), _EXTRA_ROLE):
            self.plane.request(
                "POST",
                f"{base}/clusterrolebindings",
                {
                    "apiVersion": version,
                    "kind": "ClusterRoleBinding",
                    "metadata": {"name": f"{PLATFORM}:{role}"},
                    "subjects": [
                        {"kind": "Group", "name": PLATFORM, "apiGroup": "rbac.authorization.k8s.io"}
                    ],
                    "roleRef": {
                        "apiGroup": "rbac.authorization.k8s.io",
                        "kind": "ClusterRole",
                        "name": role,
                    },
                },
            ).ok()
        _, _, namespace, name = DEPLOYER.split(":")
        for path, kind, named in (
            ("/api/v1/namespaces", "Namespace", namespace),
            (f"/api/v1/namespaces/{namespace}/serviceaccounts", "ServiceAccount", name),
        ):
            body = {"apiVersion": "v1", "kind": kind, "metadata": {"name": named}}
            self.plane.request("POST", path, body).ok()

    def _wait_for_controllers(self, nodes: int) -> None:
        self.plane.add_nodes(nodes)
        account = "/api/v1/namespaces/default/serviceaccounts/default"
        self._wait(
            "the controllers work",
            lambda: self.plane.request("GET", account).status == 200,
            self.processes(),
        )
        self._wait(
            f"{nodes} nodes take pods",
            lambda: self.plane.ready_nodes() >= nodes,
            self.processes(),
        )


def clean_environment() -> dict[str, str]:
    """What our own helpers among the processes need; nothing that measures or configures tests."""
    kept = ("PATH", "HOME", "XDG_CACHE_HOME", "KUBEBUILDER_ASSETS", "TMPDIR")
    return {"PATH": os.defpath} | {name: os.environ[name] for name in kept if name in os.environ}


@contextlib.contextmanager
def started(
    folder: Path,
    *,
    whole: bool = False,
    nodes: int = 3,
    api_servers: int = 1,
    api_server_flags: Sequence[str] = (),
    keep_logs: bool = False,
) -> Iterator[Running]:
    """A control plane for the length of the block; `folder` must be empty and is removed.

    `whole` adds the controller manager, the scheduler and kwok with `nodes` nodes; else there are
    only etcd and the API. Several `api_servers` share the etcd, and each has a Lease of its own.
    `api_server_flags` come last. With `keep_logs` the folder stays, with its logs only. Raises
    `ControlPlaneError` with the ends of the logs where something does not start.
    """
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    keeping = [guard.KEEP_LOGS] if keep_logs else []
    watcher = subprocess.Popen(
        [sys.executable, "-m", "tests.controlplane.guard", str(folder), *keeping],
        cwd=ROOT,
        env=clean_environment(),
        stdin=subprocess.PIPE,
        start_new_session=True,
    )
    running = None
    try:
        running = _layout(folder, whole, api_servers, api_server_flags)
        running.start(nodes)
        yield running
    finally:
        for process in reversed(running.processes() if running else ()):
            process.kill()
        watcher.communicate()


def _layout(folder: Path, whole: bool, count: int, flags: Sequence[str]) -> Running:
    """Write what the processes read, and say what is to be started."""
    now = dt.datetime.now(dt.UTC)
    (folder / "users").mkdir()
    ca = certificates.authority(folder, now=now)
    serving = certificates.serving(ca, folder / "apiserver", now=now)
    certificates.private_key(folder / "service-accounts.key")
    tokens = {user: secrets.token_hex(16) for user in GROUPS}
    lines = (f'{tokens[user]},{user},{user},"{",".join(GROUPS[user])}"' for user in GROUPS)
    table = folder / "tokens.csv"
    table.touch(mode=0o600)
    table.write_text("\n".join(lines) + "\n")
    ports = [free_port() for _ in range(count)]
    urls = tuple(f"https://127.0.0.1:{port}" for port in ports)
    plane = ControlPlane(folder, urls, tokens)
    plane.save()
    etcd, etcd_url = commands.etcd(folder)
    servers = tuple(
        commands.api_server(folder, number, port, etcd_url, serving, flags)
        for number, port in enumerate(ports)
    )
    return Running(plane, etcd, servers, commands.others(plane) if whole else ())
