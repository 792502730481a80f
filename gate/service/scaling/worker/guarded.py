"""Calls of a cluster that end with the right to make them."""

from collections.abc import Callable
from typing import Any

from kubernetes.client import ApiClient

from gate.service.scaling.calls import Caller, Patience
from gate.service.scaling.cluster import Scalers


class LeaseLost(Exception):  # noqa: N818
    """Somebody else may write now."""


class GuardedScalers(Scalers):
    """Raises `LeaseLost` before a call, a repeated one too, without the right to make it.

    ``wait`` pauses between two attempts, and may return early.
    """

    def __init__(
        self,
        client: ApiClient,
        may: Callable[[], bool],
        wait: Callable[[float], object],
        patience: Patience = Patience(),  # noqa: B008 - frozen
    ) -> None:
        super().__init__(client, patience)
        self._may, self._wait = may, wait
        self.begin()

    def begin(self) -> None:
        """A run begins: patience is counted anew."""
        self.call = _GuardedCaller(self._patience, self._may, self._wait)


class _GuardedCaller(Caller):
    def __init__(
        self, patience: Patience, may: Callable[[], bool], wait: Callable[[float], object]
    ) -> None:
        super().__init__(patience, wait=wait)
        self._may = may

    def __call__(self, what: str, call: Callable[[], Any]) -> Any:
        def allowed() -> Any:
            if not self._may():
                raise LeaseLost(what)
            return call()

        return super().__call__(what, allowed)
