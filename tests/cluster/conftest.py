"""The control plane of the run, and a namespace for each test."""

import os
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from gate.store.connect import Target
from tests.cluster.faulty import Proxy, faulty
from tests.cluster.gate import Gate, gate_behind
from tests.cluster.prescale_working import Site
from tests.cluster.prescaling import with_keda
from tests.controlplane import running
from tests.controlplane.plane import AUDIT_LOG, ControlPlane
from tests.controlplane.processes import tail
from tests.controlplane.shared import shared
from tests.postgres import fresh_schema

OWN = "plane"
LINES = 8
Start = Callable[..., AbstractContextManager[running.Running]]


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """The run's one control plane, whole; its processes belong to all tests: leave them alone."""
    base = tmp_path_factory.getbasetemp()
    with shared(base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) as plane:
        yield plane


@pytest.fixture
def namespace(control_plane: ControlPlane) -> Iterator[str]:
    """A namespace of the shared control plane that only this test has."""
    with control_plane.namespace() as name:
        yield name


@pytest.fixture(scope="session")
def gate(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    """A webhook behind the run's control plane, asked about the namespaces that it protects."""
    with gate_behind(control_plane, tmp_path_factory.mktemp("gate")) as running_gate:
        yield running_gate


@pytest.fixture
def site(control_plane: ControlPlane, namespace: str, tmp_path: Path) -> Site:
    """A namespace with a plan for its autoscalers, on a cluster that knows ScaledObjects."""
    with_keda(control_plane)
    return Site(control_plane, namespace, tmp_path)


@pytest.fixture
def proxy(control_plane: ControlPlane, tmp_path: Path) -> Iterator[Proxy]:
    """A way to the API server that can be in trouble."""
    with faulty(control_plane, tmp_path / "proxy") as made:
        yield made


@pytest.fixture
def where() -> Iterator[Target]:
    """A schema that only this test has."""
    with fresh_schema() as target:
        yield target


@pytest.fixture
def own_control_plane(tmp_path: Path) -> Start:
    """Start a control plane that only this test has, to be broken: `running.started`'s options."""
    return lambda **options: running.started(tmp_path / OWN, keep_logs=True, **options)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the ends of the logs of the control plane that a failed test used."""
    report = yield
    if report.failed and isinstance(item, pytest.Function):
        for folder in _log_folders(item):
            logs = sorted(path for path in folder.glob("*.log") if AUDIT_LOG not in path.name)
            shown = "\n".join(tail(log, LINES) for log in logs)
            report.sections.append((f"logs in {folder}", shown))
    return report


def _log_folders(test: pytest.Function) -> Iterator[Path]:
    plane, own = test.funcargs.get("control_plane"), test.funcargs.get("tmp_path")
    if isinstance(plane, ControlPlane):
        yield plane.folder / "logs"
    if isinstance(own, Path) and (own / OWN / "logs").exists():
        yield own / OWN / "logs"
