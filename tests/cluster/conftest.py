"""The control plane of the run, and a namespace for each test."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.controlplane import running
from tests.controlplane.plane import ControlPlane
from tests.controlplane.shared import shared

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


@pytest.fixture
def own_control_plane(tmp_path: Path) -> Start:
    """Start a control plane that only this test has, to be broken: `running.started`'s options."""
    return lambda **options: running.started(tmp_path / "plane", keep_logs=True, **options)
