"""One server for the tests that only ask it."""

from collections.abc import Iterator

import pytest

from tests.webhook.gate_webhook import GateWebhook, running
from tests.webhook.inputs import Inputs, write_inputs


@pytest.fixture(scope="session")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    """Options for a policy that is ``locked``, in the ``lead``, or ``open`` all day long."""
    return write_inputs(tmp_path_factory.mktemp("inputs"))


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, inputs: Inputs) -> Iterator[GateWebhook]:
    """A webhook in the middle of a lock, with one worker."""
    folder = tmp_path_factory.mktemp("webhook")
    with running(folder, *inputs("locked"), "--workers", "1", "--drain", "0s") as made:
        yield made
