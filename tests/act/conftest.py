"""The images, built once a run where something changed, and a repository for each test."""

from pathlib import Path

import pytest

from tests.act import base, images
from tests.act.running import Repository


@pytest.fixture(scope="session")
def base_image() -> str:
    """The name of the base, which is also what jobs run in."""
    base.ensure()
    return base.name()


@pytest.fixture(scope="session")
def action_image(base_image: str) -> str:
    """The name of the Action's image."""
    return images.ensure("action")


@pytest.fixture(scope="session")
def service_image(base_image: str) -> str:
    """The name of the servers' image."""
    return images.ensure("service")


@pytest.fixture
def repository(tmp_path: Path, action_image: str) -> Repository:
    """A repository whose policy locks nothing."""
    folder = tmp_path / "repository"
    folder.mkdir()
    return Repository(folder, action_image)
