"""An informer and its feed, as the keeper wires them, with a worker that listens."""

from contextlib import AbstractContextManager
from pathlib import Path

from gate.service.informer import Informer
from gate.service.keeper.reflector import Watching
from tests.service.feeding import feeding
from tests.service.listening import Heard


def informing(
    kubeconfig: Path | None,
    folder: Path,
    *,
    watching: Watching = Watching(),  # noqa: B008 - frozen
) -> AbstractContextManager[Heard]:
    """Follow a cluster during the block; what a worker hears of it."""
    named = str(kubeconfig) if kubeconfig else None
    return feeding(folder, lambda publish: Informer(named, {}, publish, watching=watching).run)
