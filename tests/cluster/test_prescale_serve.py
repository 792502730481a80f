"""`gate serve --kubeconfig` keeps the floors of a whole cluster beside its doors."""

from pathlib import Path

import pytest

from gate.store.connect import Target
from tests.api.gate_serve import running
from tests.cli.run import gate
from tests.cluster.conftest import Start
from tests.cluster.prescale_working import HIGH, Site, events
from tests.controlplane.processes import wait_for


def test_a_server_keeps_floors_and_records_them(
    own_control_plane: Start, tmp_path: Path, where: Target
) -> None:
    with own_control_plane() as plane_running:
        plane = plane_running.plane
        site = Site(plane, plane.fresh_namespace(), tmp_path)
        site.hpa()
        site.plan("HIGH")
        inputs = ("--policy", str(site.policy), "--calendar", str(site.calendar))
        cluster = ("--kubeconfig", str(plane.kubeconfig()))
        environ = {"POD_NAMESPACE": site.namespace}
        with running(tmp_path, where, *inputs, *cluster, "--dev", environ=environ) as server:
            site.until(HIGH, seconds=60.0)
            wait_for("it is recorded", lambda: any(at for (at,) in events(where, "applied_at")))
            site.put(site.policy, "version: [")
            site.plan("NORMAL")
            wait_for("it is known", lambda: "the fallback holds" in server.log.read_text())
            assert site.range() == HIGH
            assert server.stop() == 0
            assert '"event": "lease-released"' in server.log.read_text().replace('":"', '": "')


def test_a_server_is_told_of_a_kubeconfig_that_is_none(
    tmp_path: Path, where: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATE_SCHEMA", where.schema)
    bad = tmp_path / "bad.kubeconfig"
    bad.write_text("no: kubeconfig\n")
    done = gate("serve", "--dev", "--dsn", where.dsn, "--kubeconfig", bad, "--state", tmp_path)
    assert done.code == 2
    assert "--kubeconfig" in done.err
