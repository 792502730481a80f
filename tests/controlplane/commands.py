"""How each program of the control plane is started: its flags."""

import os
from collections.abc import Sequence
from pathlib import Path

from tests.controlplane import programs
from tests.controlplane.certificates import Pair
from tests.controlplane.plane import AUDIT_LOG, ControlPlane
from tests.controlplane.processes import Process, free_port

STAGES = Path(__file__).parent / "stages.yaml"
AUDIT_POLICY = Path(__file__).parent / "audit-policy.yaml"


def etcd(folder: Path) -> tuple[Process, str]:
    """The store, and the URL at which it will be."""
    url, peer = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    command = [
        str(programs.program("etcd")),
        f"--data-dir={folder / 'etcd'}",
        f"--listen-client-urls={url}",
        f"--advertise-client-urls={url}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        "--unsafe-no-fsync",
        "--log-level=warn",
    ]
    return Process("etcd", command, folder), url


def api_server(
    folder: Path, number: int, port: int, etcd_url: str, serving: Pair, flags: Sequence[str]
) -> Process:
    """An API server; what it reads must be in `folder` when it starts."""
    keys = folder / "service-accounts.key"
    command = [
        *_own_hostname(number),
        str(programs.program("kube-apiserver")),
        f"--etcd-servers={etcd_url}",
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        "--endpoint-reconciler-type=none",
        f"--secure-port={port}",
        f"--cert-dir={folder / 'certificates'}",
        f"--tls-cert-file={serving.certificate}",
        f"--tls-private-key-file={serving.key}",
        f"--client-ca-file={folder / 'ca.crt'}",
        f"--token-auth-file={folder / 'tokens.csv'}",
        "--authorization-mode=RBAC",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={keys}",
        f"--service-account-signing-key-file={keys}",
        "--service-cluster-ip-range=10.96.0.0/16",
        "--disable-admission-plugins=ServiceAccount",
        f"--audit-policy-file={AUDIT_POLICY}",
        f"--audit-log-path={folder / 'logs' / f'{AUDIT_LOG}-{number}.log'}",
        *flags,
    ]
    return Process(f"kube-apiserver-{number}", command, folder)


def _own_hostname(number: int) -> list[str]:
    """A command that gives the next one a host name: an API server's identity is made from it."""
    if number == 0:
        return []
    alone = ["unshare", "--uts"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--uts"]
    return [*alone, "sh", "-c", 'hostname "$0" && exec "$@"', f"api-server-{number}"]


def others(plane: ControlPlane) -> tuple[Process, ...]:
    """Controller manager, scheduler and kwok, of API server 0."""
    folder = plane.folder
    quick = ("--kube-api-qps=300", "--kube-api-burst=600")
    manager = [
        str(programs.program("kube-controller-manager")),
        f"--kubeconfig={plane.kubeconfig('system:kube-controller-manager')}",
        "--controllers=*,-nodeipam,-service-lb-controller",
        "--use-service-account-credentials",
        f"--service-account-private-key-file={folder / 'service-accounts.key'}",
        f"--root-ca-file={plane.ca}",
        "--leader-elect=false",
        "--horizontal-pod-autoscaler-sync-period=1s",
        "--secure-port=0",
        *quick,
    ]
    scheduler = [
        str(programs.program("kube-scheduler")),
        f"--kubeconfig={plane.kubeconfig('system:kube-scheduler')}",
        "--leader-elect=false",
        "--secure-port=0",
        *quick,
    ]
    kwok = [
        str(programs.program("kwok")),
        f"--kubeconfig={plane.kubeconfig('kwok', ('system:masters',))}",
        f"--config={STAGES}",
        "--manage-all-nodes=false",
        "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake",
        "--node-ip=10.1.0.1",
        "--cidr=10.128.0.0/12",
        "--node-lease-duration-seconds=40",
    ]
    named = {"kube-controller-manager": manager, "kube-scheduler": scheduler, "kwok": kwok}
    return tuple(Process(name, command, folder) for name, command in named.items())
