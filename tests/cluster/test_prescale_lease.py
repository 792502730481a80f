"""One actor at a time: two candidates, a fault on the way to the API server, and an orderly end."""

import secrets
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from gate.service.keeper.kube import named_client
from gate.service.scaling.worker.lease import NAME, SECONDS, Lease
from tests.cluster.faulty import DROP, Call, Proxy, faulty
from tests.controlplane.plane import ControlPlane
from tests.controlplane.processes import wait_for


def candidate(proxy: Proxy, namespace: str, stack: ExitStack) -> Lease:
    client = named_client(str(proxy.kubeconfig()), {})
    lease = Lease(client, namespace, secrets.token_hex(4))
    stack.callback(lease.end)
    lease.start()
    return lease


def the_lease(plane: ControlPlane, namespace: str) -> dict[str, Any]:
    path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/{NAME}"
    spec: dict[str, Any] = plane.get(path)["spec"]
    return spec


def test_one_of_two_holds_it_and_its_end_hands_it_over(
    control_plane: ControlPlane, namespace: str, proxy: Proxy
) -> None:
    with ExitStack() as stack:
        first = candidate(proxy, namespace, stack)
        wait_for("the first holds it", lambda: first.held)
        second = candidate(proxy, namespace, stack)
        said = the_lease(control_plane, namespace)
        assert said["leaseDurationSeconds"] <= SECONDS
        wait_for(
            "it is renewed",
            lambda: the_lease(control_plane, namespace)["renewTime"] > said["renewTime"],
        )
        assert first.held
        assert not second.held
        first.end()
        assert not first.held
        wait_for("the second holds it", lambda: second.held, seconds=SECONDS)
        assert the_lease(control_plane, namespace)["leaseTransitions"] == 2
    assert the_lease(control_plane, namespace)["holderIdentity"] == ""


def test_who_cannot_renew_has_lost_it_before_another_can_have_it(
    control_plane: ControlPlane, namespace: str, proxy: Proxy, tmp_path: Path
) -> None:
    with faulty(control_plane, tmp_path / "other") as other, ExitStack() as stack:
        first = candidate(proxy, namespace, stack)
        wait_for("the first holds it", lambda: first.held)
        second = candidate(other, namespace, stack)
        proxy.fault = lambda _: DROP
        both: list[bool] = []

        def taken() -> bool:
            both.append(first.held and second.held)
            return second.held

        wait_for("the second holds it", taken, seconds=20.0)
        assert not any(both)
        assert not first.held
        proxy.fault = lambda _: None
        second.end()
        wait_for("the first has it again", lambda: first.held, seconds=20.0)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_in_trouble_takes_it_away_only_if_it_lasts(
    namespace: str, proxy: Proxy, status: int
) -> None:
    with ExitStack() as stack:
        lease = candidate(proxy, namespace, stack)
        wait_for("it is held", lambda: lease.held)
        refused: list[Call] = []

        def once(call: Call) -> int | None:
            if call.method != "PUT" or refused:
                return None
            refused.append(call)
            return status

        proxy.fault = once
        wait_for("a renewal is refused", lambda: refused)
        before = len(proxy.calls)
        wait_for("it goes on", lambda: len(proxy.calls) > before + 1)
        assert lease.held
        proxy.fault = lambda _: status
        wait_for("it is lost", lambda: not lease.held, seconds=SECONDS)
        wait_for("it is said why", lambda: str(status) in (lease.trouble or ""))


def test_who_takes_it_by_force_is_noticed_at_the_next_renewal(
    control_plane: ControlPlane, namespace: str, proxy: Proxy
) -> None:
    with ExitStack() as stack:
        lease = candidate(proxy, namespace, stack)
        wait_for("it is held", lambda: lease.held)
        path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/{NAME}"
        body = {"spec": {"holderIdentity": "another"}}
        control_plane.request("PATCH", path, body, content_type="application/merge-patch+json").ok()
        wait_for("it is lost", lambda: not lease.held, seconds=2.5)


def test_the_library_needs_one_call_a_renewal(namespace: str, proxy: Proxy) -> None:
    with ExitStack() as stack:
        lease = candidate(proxy, namespace, stack)
        wait_for("it is renewed", lambda: proxy.counts()["PUT", "leases"] >= 3)
        assert lease.held
        assert proxy.counts()["GET", "leases"] == 1
