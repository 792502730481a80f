"""The control plane of these tests, with the namespaces and what is one a cluster."""

from collections.abc import Iterator

import pytest

from tests.cluster.manifests.scene import Scene, played
from tests.cluster.manifests.stage import staged, text_of
from tests.controlplane.plane import ControlPlane
from tests.manifests import building
from tests.manifests.building import build


@pytest.fixture(scope="session")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A whole control plane with custom resources, namespaces and priorities."""
    with staged(tmp_path_factory.mktemp("manifests") / "plane") as made:
        everything = (*build("base"), *build("platform"))
        first = building.of_kind(everything, "Namespace", "PriorityClass")
        made.kubectl("apply", "-f", "-", input=text_of(first), check=True)
        yield made


@pytest.fixture(scope="session")
def scene(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """All of it in force, during a lock, and each part at work by its own account."""
    with played(plane, tmp_path_factory.mktemp("scene")) as made:
        yield made
