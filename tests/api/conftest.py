"""One server for the tests that only ask it."""

from collections.abc import Iterator

import pytest

from gate.store.connect import Target
from tests.api.gate_serve import GateServe, running
from tests.postgres import fresh_schema
from tests.webhook.inputs import Inputs, write_inputs


@pytest.fixture(scope="session")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    """Options for a policy that is ``locked``, in the ``lead``, or ``open`` all day long."""
    return write_inputs(tmp_path_factory.mktemp("inputs"))


@pytest.fixture(scope="session")
def shared_database() -> Iterator[Target]:
    """The database of that server."""
    with fresh_schema() as target:
        yield target


@pytest.fixture(scope="session")
def server(
    tmp_path_factory: pytest.TempPathFactory, inputs: Inputs, shared_database: Target
) -> Iterator[GateServe]:
    """A server in the middle of a lock, without credentials."""
    folder = tmp_path_factory.mktemp("serve")
    with running(folder, shared_database, *inputs("locked"), "--dev") as made:
        yield made
